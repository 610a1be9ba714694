// Pages without a chat: sign-in, settings, administration, errors. Everything on them works without this, too.
import { copyButtons } from "./behaviours/copy";
import { confirmForms } from "./behaviours/dialogs";
import { menus } from "./behaviours/menus";
import { passkeys } from "./behaviours/passkeys";
import { printButtons } from "./behaviours/print";
import { showPassword } from "./behaviours/show-password";
import { showTab } from "./behaviours/show-tab";
import { forgetDraftsOnSignOut } from "./behaviours/sign-out";
import { localTimes } from "./behaviours/times";
import { ThemeControl } from "./elements/theme-control";

customElements.define("theme-control", ThemeControl);
showPassword();
confirmForms();
copyButtons();
menus();
printButtons();
localTimes();
showTab();
passkeys();
forgetDraftsOnSignOut();

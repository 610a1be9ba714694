/** The folder of the front end, put in by run.mjs. */
declare const FRONTEND: string;

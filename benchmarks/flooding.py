"""The program that floods the sign-in: `python -m benchmarks.flooding PORT DELAY PER_SECOND SECONDS`.

Each try is made at its moment, whatever became of those before it; a hundred may be under way. Prints a line when it begins, and in the
end how often it got which status.
"""

from __future__ import annotations

import http.client
import json
import sys
import threading
import time
from collections import Counter
from itertools import count
from urllib.parse import urlencode

from tests.serving import Browser

THREADS = 100


class Flooder:
    """A hundred clients that share a timetable."""

    def __init__(self, port: int, delay: float, per_second: float, seconds: float) -> None:
        browser = Browser(f"http://127.0.0.1:{port}")
        self.token = browser.csrf()
        self.cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        self.port, self.per_second, self.total = port, per_second, int(per_second * seconds)
        self.numbers = count()
        self.answers: Counter[str] = Counter()
        self.began = time.monotonic() + delay

    def run(self) -> None:
        """Take the next try, wait for its moment, make it."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        while (number := next(self.numbers)) < self.total:
            time.sleep(max(0.0, self.began + number / self.per_second - time.monotonic()))
            try:
                self.answers[str(self.attempt(connection, number))] += 1
            except OSError:
                self.answers["broken"] += 1
                connection.close()

    def attempt(self, connection: http.client.HTTPConnection, number: int) -> int:
        """Try to sign in; gives the status."""
        fields = {"email": f"user{number}@example.org", "password": "wrong", "csrf_token": self.token}
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Cookie": self.cookies,
            "X-Forwarded-For": f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}",
        }
        connection.request("POST", "/auth/login", urlencode(fields), headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status


def main() -> None:
    """Flood."""
    port, delay, per_second, seconds = sys.argv[1:]
    flooder = Flooder(int(port), float(delay), float(per_second), float(seconds))
    print("begun", flush=True)
    threads = [threading.Thread(target=flooder.run) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps(flooder.answers), flush=True)


if __name__ == "__main__":
    main()

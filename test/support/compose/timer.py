"""A job service that keeps nothing itself: a job is a line in Redis, done when its time is over. REDIS is host:port."""

import json
import os
import socket
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

REDIS = os.environ["REDIS"].split(":")
TAKES_S = 5.0 / float(os.environ.get("SCALE", "1"))


def ask(*words):
    """One command on a connection of its own: a text, a number, or None."""
    request = f"*{len(words)}\r\n" + "".join(f"${len(word.encode())}\r\n{word}\r\n" for word in words)
    with socket.create_connection((REDIS[0], int(REDIS[1])), timeout=1) as connection:
        connection.sendall(request.encode())
        answers = connection.makefile("rb")
        head = answers.readline().decode().strip()
        if head[0] == "$" and head != "$-1":
            return answers.read(int(head[1:])).decode()
        if head[0] in "+:":
            return head[1:]
        if head in ("$-1", "_"):
            return None
        raise OSError(head)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.carefully(self.look)

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.carefully(lambda: self.accept(self.headers["idempotency-key"], body["topic"]))

    def look(self):
        if self.path == "/healthz":
            return 200, {"redis": ask("PING")}
        key = self.path.removeprefix("/jobs/")
        job = ask("GET", key)
        return (200, describe(key, json.loads(job))) if job else (404, {"error": "no such job"})

    def accept(self, key, topic):
        ask("SET", key, json.dumps({"since": time.time(), "topic": topic}), "NX")
        return 202, describe(key, json.loads(ask("GET", key)))

    def carefully(self, act):
        try:
            status, body = act()
        except OSError as error:
            status, body = 503, {"error": str(error)}
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


def describe(key, job):
    done = time.time() >= job["since"] + TAKES_S
    return {"id": key, "status": "done" if done else "running", **({"topic": job["topic"]} if done else {})}


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


Server(("0.0.0.0", 8080), Handler).serve_forever()

"""A client of Weir in the standard library alone: requests, what processes print, and questions of policies."""
import itertools, json, queue, subprocess, threading
from concurrent.futures import Future

class Weir:
    def __init__(self, *command, ask=lambda question: False):
        self.host = subprocess.Popen(command or ["weir"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.ask, self.ids, self.writing = ask, itertools.count(1), threading.Lock()
        self.answers, self.events = {}, {}
        threading.Thread(target=self.read, daemon=True).start()
        self.request("initialize", clientName="python", capabilities={"ask": True}).result()
        self.send(method="initialized")

    def send(self, **message):
        with self.writing:
            self.host.stdin.write(json.dumps(message).encode() + b"\n")
            self.host.stdin.flush()

    def request(self, method, **params):
        self.answers[id := next(self.ids)] = answer = Future()
        answer.id = id
        self.send(id=id, method=method, params=params)
        return answer

    def start(self, *argv, **params):
        """Starts a process and gives its events, up to its close: output can come after the exit."""
        self.events[id := f"python-{next(self.ids)}"] = events = queue.Queue()
        self.request("process/start", processId=id, argv=argv, outputEncoding="utf8", **params).result()
        return id, iter(events.get, None)

    def read(self):
        for message in map(json.loads, self.host.stdout):
            method, params = message.get("method"), message.get("params", {})
            if method == "policy/ask":
                self.send(id=message["id"], result={"decision": "allow" if self.ask(params) else "deny"})
            elif method and (events := self.events.get(params.get("processId"))):
                events.put((method, params))
                if method == "process/closed":
                    self.events.pop(params["processId"]).put(None)
            elif "error" in message:
                self.answers.pop(message["id"]).set_exception(RuntimeError(message["error"]))
            elif "result" in message:
                self.answers.pop(message["id"]).set_result(message["result"])

"""Far away is the same wire: what holds when the host is at the other end of an ssh connection."""
import os, select, shlex, signal, sys, unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../python"))
from weir import Weir

COMMAND = shlex.split(os.environ["WEIR_COMMAND"]) + ["--no-config"]


def gone(pid):
    """Whether a process ends within 20 s."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], 20)[0])
    finally:
        os.close(descriptor)


class Test(unittest.TestCase):
    def setUp(self):
        self.weir = Weir(*COMMAND)
        self.addCleanup(self.weir.host.stdout.close)
        _, self.events = self.weir.start("sh", "-c", "sleep 1000 & setsid sleep 1000 & echo $$ $!; wait")
        method, event = next(self.events)
        self.assertEqual(method, "process/output")
        self.pids = [int(pid) for pid in event["text"].split()]

    def ends(self, status):
        self.assertEqual(self.weir.host.wait(20), status)
        self.assertEqual([pid for pid in self.pids if not gone(pid)], [])

    def test_the_end_of_input_is_a_shutdown_in_order(self):
        self.weir.host.stdin.close()
        self.ends(0)

    def test_a_lost_connection_ends_what_it_has_started(self):
        self.weir.host.kill()
        self.ends(-signal.SIGKILL)
        self.weir.host.stdin.close()


if __name__ == "__main__":
    unittest.main()

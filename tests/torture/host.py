# The adapter of Python's subprocess: as host.ts. host.py PROGRAM ARGS...
import subprocess
import sys

null = subprocess.DEVNULL
child = subprocess.Popen(sys.argv[1:], stdin=null, stdout=null, stderr=null)
print("up", flush=True)
sys.stdin.readline()
child.terminate()
try:
    child.wait(0.5)
except subprocess.TimeoutExpired:
    child.kill()
    child.wait()
print("done", flush=True)

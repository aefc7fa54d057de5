"""Writes the cffi module that declares what chronos2.h declares, so that the header stays the only truth.

    python interface.py chronos2.h OUT.py COMPILER [ARGUMENT...]

The compiler preprocesses the header without its includes: cffi knows size_t, bool and the sized integers itself. Inline
functions are left out, because cffi calls what the library exports.
"""

import re
import subprocess
import sys

import cffi


def declarations(header, compiler):
    with open(header, encoding="utf-8") as file:
        text = re.sub(r"^\s*#\s*include.*$", "", file.read(), flags=re.M)
    text = re.sub(r"^CHRONOS2_INLINE .*\n.*$", "", text, flags=re.M)
    numbers = re.findall(r"^#define CHRONOS2_\w+ \d+$", text, flags=re.M)
    command = [*compiler, "-E", "-P", "-x", "c", "-DCHRONOS2_API=", "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"interface: error: {' '.join(command)}: {done.stderr.strip()}")
    return "\n".join([*numbers, done.stdout])


def main(header, out, *compiler):
    ffi = cffi.FFI()
    ffi.set_source("chronos2._interface", None)
    ffi.cdef(declarations(header, compiler))
    ffi.emit_python_code(out)


if __name__ == "__main__":
    main(*sys.argv[1:])

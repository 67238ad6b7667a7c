#!/usr/bin/env python3
"""One front door: `python3 build.py demo` shows what this project does, `python3 build.py test` proves that it works.

Starts on any Python 3 and goes on with Python 3.11, because Blender's own modules want that one.
"""

import argparse
import subprocess
import sys

from building.failure import BuildFailure
from building.find_python import find_python

PYTHON = "3.11"


def parse(arguments: "list[str]") -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="build.py", description="IKOL for Blender: set up, try, test and package.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    commands.required = True
    demo = commands.add_parser("demo", help="solve a clip, import it into Blender and write demo_out/<clip>/")
    demo.add_argument("video", nargs="?", help="your own clip; the demo clip when left out")
    test = commands.add_parser("test", help="set up what tests need and run them all")
    test.add_argument("--every-blender", action="store_true", help="in Blender 4.2, 5.0 and 5.2 too")
    commands.add_parser("setup", help="make both environments and nothing else")
    commands.add_parser("zip", help="build and validate dist/ikol_blender-<version>.zip")
    commands.add_parser("assets", help="make the open body and the demo clip again from their scripts")
    bench = commands.add_parser("bench", help="run the benchmarks, or one of them")
    bench.add_argument("name", nargs="?", help="a file of benchmarks/ without .py")
    return parser.parse_args(arguments)


def main(arguments: "list[str]") -> int:
    options = parse(arguments)
    try:
        if sys.version_info[:2] != (3, 11):
            return subprocess.call([find_python(PYTHON), __file__, *arguments])
        from building.commands import COMMANDS

        return COMMANDS[options.command](options)
    except BuildFailure as failure:
        print("\n{}\n{}".format(failure.message, failure.hint), file=sys.stderr)
        return failure.exit_status
    except KeyboardInterrupt:
        print("\nStopped.\nRun the command again; it goes on where it stopped.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

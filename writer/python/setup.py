"""pip install writer/python: builds the extension module with CMake, as the project itself does."""
import pathlib
import re
import shutil
import subprocess
import sys

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
VERSION = re.search(r'ALOG_VERSION_TEXT\s+"([^"]+)"', (ROOT / "include/agentlog/agentlog.h").read_text())[1]


class BuildWithCMake(build_ext):
    def run(self):
        build = pathlib.Path(self.build_temp).resolve() / "cmake"
        subprocess.run(["cmake", "-S", ROOT, "-B", build, "-DCMAKE_BUILD_TYPE=Release", "-DALOG_PYTHON=ON",
                        "-DALOG_BUILD_TESTS=OFF", f"-DPython3_EXECUTABLE={sys.executable}"], check=True)
        subprocess.run(["cmake", "--build", build, "--target", "alog_python", "alog_python_aggregator",
                        "--parallel"], check=True)
        package = build / "writer/python/agentlog"
        target = HERE / "agentlog" if self.inplace else pathlib.Path(self.build_lib) / "agentlog"
        target.mkdir(parents=True, exist_ok=True)
        for path in package.iterdir():
            if path.is_file():
                shutil.copy2(path, target / path.name)


setup(
    version=VERSION,
    packages=["agentlog"],
    package_data={"agentlog": ["py.typed", "*.pyi"]},
    ext_modules=[Extension("agentlog._writer", sources=[], py_limited_api=True),
                 Extension("agentlog._aggregator", sources=[], py_limited_api=True)],
    cmdclass={"build_ext": BuildWithCMake},
    options={"bdist_wheel": {"py_limited_api": "cp310"}},
)

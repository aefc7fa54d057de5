"""A plugin of pytest for `make test-full`: it lists every skip, and fails where one is for want of what setup.sh brings."""


def pytest_configure(config):
    config.option.reportchars += "s"


def pytest_sessionfinish(session):
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not reporter:  # in a worker of pytest-xdist
        return
    lacking = [report for report in reporter.stats.get("skipped", []) if is_lacking(str(report.longrepr))]
    if lacking:
        session.exitstatus = 1
        session.config.stash_lacking = len(lacking)


def pytest_terminal_summary(terminalreporter, config):
    lacking = getattr(config, "stash_lacking", 0)
    if lacking:
        terminalreporter.write_line(f"FAILED: {lacking} skipped for want of packages that scripts/setup.sh full brings", red=True)


def is_lacking(reason):
    return "could not import" in reason or "is not installed" in reason

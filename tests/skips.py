"""A plugin of pytest for `make test-full`: it lists every skip, fails where one is for want of what setup.sh brings, and
counts those for want of data outside the repository."""


def pytest_configure(config):
    config.option.reportchars += "s"


def pytest_sessionfinish(session):
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not reporter:  # in a worker of pytest-xdist
        return
    reasons = [str(report.longrepr) for report in reporter.stats.get("skipped", [])]
    session.config.stash_outside = sum("../shared" in reason for reason in reasons)
    lacking = [reason for reason in reasons if is_lacking(reason)]
    if lacking:
        session.exitstatus = 1
        session.config.stash_lacking = len(lacking)


def pytest_terminal_summary(terminalreporter, config):
    outside = getattr(config, "stash_outside", 0)
    if outside:
        terminalreporter.write_line(f"NOT RUN: {outside} tests for want of ../shared", yellow=True)
    lacking = getattr(config, "stash_lacking", 0)
    if lacking:
        terminalreporter.write_line(f"FAILED: {lacking} skipped for want of packages that scripts/setup.sh full brings", red=True)


def is_lacking(reason):
    return "could not import" in reason or "is not installed" in reason

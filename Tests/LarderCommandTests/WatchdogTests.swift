import Testing

@testable import LarderCommand

@Suite struct `The service manager's watchdog` {
    @Test(
        arguments: [
            ([:], nil), (["WATCHDOG_USEC": "30000000"], Duration.seconds(15)),
            (["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"], .seconds(15)),
            (["WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "8"], nil),
            (["WATCHDOG_USEC": "0"], nil), (["WATCHDOG_USEC": "-1"], nil),
            (["WATCHDOG_USEC": "soon"], nil), (["WATCHDOG_USEC": ""], nil),
            (["WATCHDOG_USEC": "99999999999999999999"], nil),
            (["WATCHDOG_USEC": "1"], .milliseconds(1)),
        ] as [([String: String], Duration?)])
    func `hears from this process at half of its time`(
        environment: [String: String], period: Duration?
    ) {
        #expect(ServiceManager.watchdogPeriod(environment, pid: 7) == period)
    }
}

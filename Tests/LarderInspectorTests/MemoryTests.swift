import Larder
import Testing

@testable import LarderInspector

@Suite struct MemoryTests {
    private static let unlimited = "9223372036854771712\n"
    private static let limits: [(String, [String: String], [String: String], Int?)] = [
        ("nothing is said", [:], [:], nil),
        (
            "version 2, a group of its own", [:],
            [
                "/proc/self/cgroup": "0::/pantry.slice/larder.service\n",
                "/sys/fs/cgroup/pantry.slice/larder.service/memory.max": "268435456\n",
            ], 256 << 20
        ),
        (
            "version 2, inside a container", [:],
            ["/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": "134217728\n"], 128 << 20
        ),
        (
            "version 2, no limit", [:],
            ["/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": "max\n"], nil
        ),
        (
            "version 1", [:],
            [
                "/proc/self/cgroup": "5:memory:/docker/1\n1:name=systemd:/docker/1\n",
                "/sys/fs/cgroup/memory/memory.limit_in_bytes": "67108864\n",
            ], 64 << 20
        ),
        (
            "version 1, no limit", [:],
            ["/sys/fs/cgroup/memory/memory.limit_in_bytes": unlimited], nil
        ),
        ("a Lambda function", ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512"], [:], 512 << 20),
        (
            "the smaller of both", ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512"],
            ["/sys/fs/cgroup/memory.max": "134217728\n"], 128 << 20
        ),
        (
            "the Lambda function's where the group has none",
            ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128"],
            ["/sys/fs/cgroup/memory/memory.limit_in_bytes": unlimited], 128 << 20
        ),
        (
            "garbage", ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "plenty"],
            ["/proc/self/cgroup": "\n\n::", "/sys/fs/cgroup/memory.max": "-1\n"], nil
        ),
    ]

    @Test(arguments: limits)
    func `the limit is what the container or the function allows`(
        what: String, environment: [String: String], files: [String: String], limit: Int?
    ) {
        let found = ProcessMemory.limit(environment: environment) { files[$0] }
        #expect(found == limit, Comment(rawValue: what))
    }

    @Test func `this process has a resident size`() {
        let resident = ProcessMemory.current().resident ?? 0
        #expect(resident > 1 << 20 && resident < 1 << 40)
    }
}

@Suite struct UnitTests {
    @Test(arguments: [
        ("300s", Duration.seconds(300)), ("5m", .seconds(300)), ("1h30m", .seconds(5400)),
        ("250ms", .milliseconds(250)), ("1d", .seconds(86_400)), ("0s", .zero),
        ("1d2h3m4s5ms", .milliseconds(93_784_005)), ("36600d", .seconds(36600 * 86_400)),
    ])
    func `a duration is read as people write it`(text: String, duration: Duration) throws {
        #expect(try Units.duration(text) == duration)
    }

    @Test(arguments: [
        "", "s", "-5s", "1.5h", "5 m", "5m ", "30m1h", "5m5m", "1ms5s", "5x", "١s", "0x5s",
        "99999999999999999999s", "36601d", "9223372036854775807d", "1e3s", "none", "off",
    ])
    func `any other duration is refused with what would be accepted`(text: String) {
        let error = #expect(throws: UnitError.self) { try Units.duration(text) }
        #expect(error?.description.contains("write it like 300s, 5m, 1h30m or 250ms") == true)
        #expect(error?.description.contains("\"\(text)\"") == true)
    }

    @Test func `a bound may be none or off, and a bare 0 is asked about`() throws {
        #expect(try Units.ttl("none") == nil)
        #expect(try Units.ttl("off") == .zero)
        #expect(try Units.ttl("5m") == .seconds(300))
        for text in ["none", "off", "250ms", "7s500ms", "1h250ms", "1m05s"] {
            #expect(Units.text(ttl: try Units.ttl(text)) == text)
        }
        #expect(Units.text(ttl: .microseconds(125)) == "<1ms")
        #expect(try Units.maxsize("none") == nil)
        #expect(try Units.maxsize("off") == 0)
        #expect(try Units.maxsize("64") == 64)
        #expect(try Units.maxsize("134217728") == CacheConfiguration.largestMaxsize)
        for text in ["0", "00"] {
            let error = #expect(throws: UnitError.self) { try Units.maxsize(text) }
            #expect(error?.description.contains("write off if that is meant") == true)
        }
        let error = #expect(throws: UnitError.self) { try Units.ttl("0s") }
        #expect(error?.description.contains("write off if that is meant") == true)
        #expect(throws: UnitError.self) { try Units.ttl("soon") }
    }

    @Test(arguments: [
        "", "-1", "+1", "1.5", "64k", " 64", "134217729", "99999999999999999999", "٣",
    ])
    func `any other maxsize is refused with what would be accepted`(text: String) {
        let error = #expect(throws: UnitError.self) { try Units.maxsize(text) }
        #expect(error?.description.contains("from 1 to 134217728, none") == true)
    }

    @Test(arguments: [
        (Duration.zero, "0s"), (.milliseconds(250), "250ms"), (.seconds(300), "5m"),
        (.seconds(5400), "1h30m"), (.seconds(93_784), "1d02h03m04s"), (.nanoseconds(1), "0s"),
    ])
    func `a duration is written as it is read`(duration: Duration, text: String) throws {
        #expect(Units.text(duration) == text)
        if duration >= .milliseconds(1) { #expect(try Units.duration(text) == duration) }
    }
}

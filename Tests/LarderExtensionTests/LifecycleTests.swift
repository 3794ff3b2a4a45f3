import AsyncHTTPClient
import Logging
import Synchronization
import TestSupport
import Testing

@testable import LarderExtension

/// What is said, line by line.
final class Said: Sendable {
    private let lines = Mutex<[String]>([])
    var text: String { lines.withLock { $0.joined(separator: "\n") } }

    var logger: Logger { Logger(label: "test") { _ in Handler(said: self) } }

    private struct Handler: LogHandler {
        let said: Said
        var logLevel = Logger.Level.info
        var metadata: Logger.Metadata = [:]
        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }
        func log(event: LogEvent) {
            let facts = (event.metadata ?? [:]).map { "\($0.key)=\($0.value)" }.sorted()
            said.lines.withLock {
                $0.append((["\(event.message)"] + facts).joined(separator: " "))
            }
        }
    }
}

/// How often something happened.
final class Count: Sendable {
    private let number = Atomic(0)
    func add() { number.add(1, ordering: .relaxed) }
    var value: Int { number.load(ordering: .relaxed) }
}

@Suite(.timeLimit(.minutes(1))) struct `The extension's life` {
    private typealias Answer = ScriptedLambda.Answer
    private let said = Said()
    private let invokes = Count()
    private let pauses = Count()

    /// Runs it with an API until it returns why the function ends. Where it has paused often, it is
    /// cancelled: it would go on for ever.
    private func live(with lambda: ScriptedLambda, most: Int = 5) async throws -> String? {
        let client = ExtensionsAPI.client()
        let lifecycle = Lifecycle(
            api: ExtensionsAPI(lambda.place, client), name: "larder", logger: said.logger,
            onInvoke: { [invokes] in invokes.add() },
            pause: { [pauses] _ in
                pauses.add()
                if pauses.value > most { throw CancellationError() }
            })
        let ended: Result<String?, any Error>
        do { ended = .success(try await lifecycle.run()) } catch { ended = .failure(error) }
        try await client.shutdown()
        return try ended.get()
    }

    @Test func `it registers by its name, asks for what is next, and ends when it is told to`()
        async throws
    {
        let lambda = try ScriptedLambda()
        lambda.say(.invoke())
        lambda.say(.invoke())
        lambda.say(.shutdown("SPINDOWN"))
        #expect(try await live(with: lambda) == "SPINDOWN")
        #expect(invokes.value == 2 && pauses.value == 0)
        let next = "GET /2020-01-01/extension/event/next"
        #expect(lambda.calls == ["POST /2020-01-01/extension/register", next, next, next])
        let register = lambda.requests[0]
        #expect(register.head.contains("Lambda-Extension-Name: larder\r\n"))
        let wanted = #"{"events":["INVOKE","SHUTDOWN"]}"#
        #expect(String(decoding: register.body, as: UTF8.self) == wanted)
        let id = "Lambda-Extension-Identifier: 11111111-2222-3333-4444-555555555555\r\n"
        #expect(lambda.requests[1].head.contains(id))
    }

    @Test(arguments: [
        ("Extension.InvalidEventType", ["SHUTDOWN"]),
        ("ShutdownEventNotSupportedForInternalExtension", ["INVOKE"]),
    ])
    func `where not all events are told, it is content with what is`(
        type: String, events: [String]
    ) async throws {
        let refusals = Array(repeating: Answer.refused(type), count: events == ["INVOKE"] ? 2 : 1)
        let lambda = try ScriptedLambda(registers: refusals + [.registered])
        lambda.say(.shutdown(""))
        #expect(try await live(with: lambda) == "")
        let last = lambda.requests[refusals.count].body
        #expect(String(decoding: last, as: UTF8.self) == "{\"events\":[\"\(events[0])\"]}")
    }

    @Test(arguments: [
        "Extension.InvalidExtensionName", "Extension.InvalidExtensionState",
        "Extension.RegistrationClosed", "Extension.TooManyExtensions", "InvalidRequestFormat",
    ])
    func `a refused registration is said once, and is no end`(type: String) async throws {
        let lambda = try ScriptedLambda(registers: [.refused(type, "State transition failed")])
        #expect(try await live(with: lambda) == nil)
        #expect(lambda.calls.count == 1)
        #expect(
            said.text
                == "not registered: HTTP 403 \(type): State transition failed; the cache goes on")
    }

    @Test func `a fault of the API is asked again, and said once`() async throws {
        let fault = Answer(500, "no JSON")
        let lambda = try ScriptedLambda(registers: [fault, fault, fault, .registered])
        lambda.say(fault)
        lambda.say(.invoke())
        lambda.say(.shutdown("TIMEOUT"))
        #expect(try await live(with: lambda) == "TIMEOUT")
        #expect(pauses.value == 4 && invokes.value == 1)
        #expect(
            said.text == """
                not registered yet: HTTP 500
                registered events=INVOKE,SHUTDOWN
                no next event, asking again: HTTP 500
                """)
    }

    @Test func `an identifier that is not known any more ends the asking and nothing else`()
        async throws
    {
        let lambda = try ScriptedLambda()
        lambda.say(.invoke())
        lambda.say(.refused("Extension.UnknownExtensionIdentifier"))
        #expect(try await live(with: lambda) == nil)
        #expect(said.text.hasSuffix("the cache goes on"))
    }

    @Test(arguments: [
        (Answer(200, #"{"eventType":"PAUSE"}"#), "an event is not known here event=PAUSE"),
        (Answer(200, "nonsense"), "an event is not known here event="),
        (Answer(200, ""), "an event is not known here event="),
    ])
    func `what is not known is said, and what is next asked for`(
        event: ScriptedLambda.Answer, line: String
    ) async throws {
        let lambda = try ScriptedLambda()
        lambda.say(event)
        lambda.say(.shutdown("SPINDOWN"))
        #expect(try await live(with: lambda) == "SPINDOWN")
        // It does not ask as fast as it can.
        #expect(pauses.value == 1 && said.text.contains(line))
    }

    @Test func `a deadline may be null, and a reason be any`() async throws {
        let lambda = try ScriptedLambda()
        lambda.say(.invoke(deadline: "null"))
        lambda.say(.shutdown("SandboxTerminated"))
        #expect(try await live(with: lambda) == "SandboxTerminated")
        #expect(invokes.value == 1)
    }

    @Test func `an API that is not there is asked again, more and more seldom`() async throws {
        let place = try { try ScriptedLambda().place }()
        let client = ExtensionsAPI.client()
        let lifecycle = Lifecycle(
            api: ExtensionsAPI(place, client), name: "larder", logger: said.logger, onInvoke: {},
            pause: { [pauses] _ in
                pauses.add()
                if pauses.value > 3 { throw CancellationError() }
            })
        await #expect(throws: CancellationError.self) { try await lifecycle.run() }
        try await client.shutdown()
        #expect(said.text.contains("not registered yet: no answer"))
        #expect(
            [1, 2, 5, 100].map { Lifecycle.delay($0) }
                == [20, 40, 320, 1000].map { .milliseconds($0) })
    }
}

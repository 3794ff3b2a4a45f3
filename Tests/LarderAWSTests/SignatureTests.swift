import Foundation
import LarderAWS
import LarderInspector
import TestSupport
import Testing

@Suite struct SignatureTests {
    @Test func `a signature is botocore's own, over 2,000 requests`() throws {
        var random = Seeded(20_261_123)
        let cases = (0..<2000).map { _ in SigningCase(using: &random) }
        let input = String(decoding: try JSONEncoder().encode(cases), as: UTF8.self)
        let ran = try run([python(), "-c", botocore], input: input)
        try #require(ran.status == 0, "\(ran.errors)")
        let theirs = try JSONDecoder().decode([String].self, from: Data(ran.output.utf8))
        #expect(theirs.count == cases.count)
        let wrong = zip(cases, theirs).filter { $0.authorization != $1 }
        for (signing, their) in wrong.prefix(3) {
            Issue.record("\(signing)\nours:   \(signing.authorization ?? "")\ntheirs: \(their)")
        }
        #expect(wrong.count == 0)
        #expect(Set(theirs).count == cases.count)
    }

    /// Botocore's list grew in 1.44: what an older one would sign is checked here.
    @Test(arguments: [
        "Baggage", "connection", "Expect", "Keep-Alive", "Proxy-Authenticate",
        "Proxy-Authorization", "TE", "traceparent", "tracestate", "Trailer", "Transfer-Encoding",
        "Upgrade", "User-Agent", "X-Amzn-Trace-Id",
    ])
    func `a header that is changed on the way is not signed`(name: String) {
        func authorization(_ headers: [(name: String, value: String)]) -> String? {
            let request = SignedRequest(headers: [("Host", "example.com")] + headers, body: [])
            return Signature(region: "eu-west-1", service: "sts")
                .headers(for: request, canaries, at: Date(timeIntervalSince1970: 0)).last?.value
        }
        #expect(authorization([(name, "a")]) == authorization([]))
        #expect(authorization([("X-\(name)", "a")]) != authorization([]))
    }

    @Test func `the session token is signed and sent, and nothing else of it is`() {
        let request = SignedRequest(headers: [("Host", "example.com")], body: [])
        let headers = Signature(region: "eu-west-1", service: "sts").headers(
            for: request,
            Credentials(
                accessKeyID: "AKIDEXAMPLE", secretAccessKey: Secret("canary-secret"),
                sessionToken: Secret("canary-token")),
            at: Date(timeIntervalSince1970: 1_440_938_160.9))
        #expect(headers.map(\.name) == ["X-Amz-Date", "X-Amz-Security-Token", "Authorization"])
        #expect(headers[0].value == "20150830T123600Z")
        #expect(headers[1].value == "canary-token")
        #expect(headers[2].value.contains("SignedHeaders=host;x-amz-date;x-amz-security-token,"))
        #expect(!headers[2].value.contains("canary"))
    }
}

/// A generated request with all that goes into its signature.
private struct SigningCase: Encodable {
    struct Pair: Encodable {
        var name: String
        var value: String
    }

    var method: String
    var host: String
    var path: String
    var query: [Pair]
    var headers: [Pair]
    var body: Data
    var accessKeyID: String
    var secretAccessKey: String
    var sessionToken: String?
    var region: String
    var service: String
    var time: Int

    init(using random: inout Seeded) {
        func text(_ length: ClosedRange<Int>, _ alphabet: String) -> String {
            let scalars = Array(alphabet.unicodeScalars)
            var text = ""
            for _ in 0..<Int.random(in: length, using: &random) {
                text.unicodeScalars.append(scalars.randomElement(using: &random)!)
            }
            return text
        }
        func pick(_ values: [String]) -> String { values.randomElement(using: &random)! }

        let plain = "abcXYZ019-_.~"
        let wild = plain + " +&=%/:;,@!$'()*[]ü☃\u{301}\u{1f600}"
        method = pick(["POST", "GET", "PUT", "DELETE"])
        host =
            pick(["dynamodb.us-east-1.amazonaws.com", "127.0.0.1", "[::1]", "localhost"])
            + pick(["", ":8000", ":5000"])
        path =
            "/"
            + (0..<Int.random(in: 0...4, using: &random)).map { _ in
                pick([text(0...6, plain), ".", "..", "%20%2F", text(1...4, "aü☃\u{301} +:=@")])
            }.joined(separator: "/") + pick(["", "/"])
        query = (0..<Int.random(in: 0...4, using: &random)).map { _ in
            Pair(name: pick(["a", "b", "A", text(1...4, wild)]), value: text(0...5, wild))
        }
        headers = [Pair(name: pick(["Host", "host", "HOST"]), value: host)]
        for _ in 0..<Int.random(in: 0...6, using: &random) {
            let name = pick([
                "Content-Type", "X-Amz-Target", "x-amz-meta-a", "X-Amz-Meta-A", "X-Custom",
                "User-Agent", "Connection", "Expect", "TE", "X-Amzn-Trace-Id",
            ])
            headers.append(Pair(name: name, value: text(0...12, plain + "  \t,;=\"")))
        }
        body = Data(text(0...40, wild + "\n{}\"").utf8)
        accessKeyID = "AKIA" + text(16...16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
        secretAccessKey = text(40...40, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP0123456789/+")
        sessionToken =
            Bool.random(using: &random) ? text(1...300, "abcdefghijABCDEFGHIJ0123456789/+=") : nil
        region = pick(["us-east-1", "eu-central-1", "cn-north-1", "us-gov-west-1"])
        service = pick(["dynamodb", "sts", "service"])
        time = Int.random(in: 946_684_800...4_102_444_800, using: &random)
    }

    var authorization: String? {
        let request = SignedRequest(
            method: method, path: path, query: query.map { ($0.name, $0.value) },
            headers: headers.map { ($0.name, $0.value) }, body: Array(body))
        let credentials = Credentials(
            accessKeyID: accessKeyID, secretAccessKey: Secret(secretAccessKey),
            sessionToken: sessionToken.map { Secret($0) })
        return Signature(region: region, service: service)
            .headers(
                for: request, credentials, at: Date(timeIntervalSince1970: TimeInterval(time))
            ).first { $0.name == "Authorization" }?.value
    }
}

/// Signs every case on standard input with botocore, each at its own time.
private let botocore = """
    import base64, datetime, json, sys
    import botocore.auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    def sign(case):
        now = datetime.datetime.fromtimestamp(case["time"], datetime.timezone.utc)
        if not hasattr(botocore.auth, "get_current_datetime"):
            sys.exit("this botocore takes its time from elsewhere")
        botocore.auth.get_current_datetime = lambda *a, **k: now
        request = AWSRequest(
            method=case["method"], url="https://" + case["host"] + case["path"],
            data=base64.b64decode(case["body"]),
            params=[(pair["name"], pair["value"]) for pair in case["query"]])
        for pair in case["headers"]:
            request.headers.add_header(pair["name"], pair["value"])
        keys = Credentials(case["accessKeyID"], case["secretAccessKey"], case.get("sessionToken"))
        botocore.auth.SigV4Auth(keys, case["service"], case["region"]).add_auth(request)
        assert request.context["timestamp"] == now.strftime("%Y%m%dT%H%M%SZ")
        return request.headers["Authorization"]

    print(json.dumps([sign(case) for case in json.load(sys.stdin)]))
    """

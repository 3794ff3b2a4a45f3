import Foundation
import LarderGateway
import LarderInspector
import LarderRemote
import LarderWire

/// The gateway of a running engine, as its own user may use it.
struct OpenGateway {
    /// The engine's name.
    var engine: String
    var pass: GatewayPass

    /// The one that is meant; `nil` where none is named and no engine that runs has one.
    ///
    /// - Throws: ``Target/Missed`` with 64 where several have one and none is named, 69 where the one
    ///   that is named has none.
    static func found(_ target: String?) throws -> OpenGateway? {
        let environment = ProcessInfo.processInfo.environment
        if let named = target ?? Target.usual {
            guard named != "all" else {
                throw Target.Missed(
                    lines: ["one gateway is used at a time; name its engine with --target"],
                    status: 64)
            }
            let place = try Target.found(target)[0]
            do { return OpenGateway(engine: place.name, pass: try pass(of: place)) } catch {
                throw Target.Missed(lines: ["\(place.name): \(error)"], status: 69)
            }
        }
        let open = Rendezvous.all(environment).compactMap { place in
            (try? pass(of: place)).map { OpenGateway(engine: place.name, pass: $0) }
        }
        guard open.count < 2 else {
            throw Target.Missed(
                lines: ["several engines have a gateway; name one with --target:"]
                    + open.map { "  \($0.engine)  \($0.pass.url)" }, status: 64)
        }
        return open.first
    }

    static let nobody = Target.Missed(
        lines: ["no engine with a gateway is running here; larder serve --gateway on starts one"],
        status: 69)

    /// - Throws: ``InspectorError`` where there is none, or it is not for this user.
    private static func pass(of place: Rendezvous) throws -> GatewayPass {
        let answer: ShortRequest.Answer
        do {
            answer = try ShortRequest(path: "/v1/gateway").send(to: .socket(place.socket))
        } catch {
            throw InspectorError("it cannot be reached: it has ended, or is not accepting")
        }
        guard answer.status == 200 else {
            let said = (try? Shown(json: answer.body))?["error"]
            if case .text(let sentence)? = said { throw InspectorError(sentence) }
            throw InspectorError("it answered HTTP \(answer.status)")
        }
        do {
            return try PlainJSON.decode(GatewayPass.self, from: Data(answer.body))
        } catch {
            throw InspectorError("it answered what is none of this version")
        }
    }
}

extension GatewayPass {
    /// The path of a role's credentials, or of the engine's own.
    static func path(_ role: String?) -> String {
        guard let role else { return "/credentials" }
        return "/role-arn/" + (role.addingPercentEncoding(withAllowedCharacters: plain) ?? "")
    }

    /// Of an ARN these stand for themselves in an address.
    private static let plain = CharacterSet(
        charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:/=,@")

    /// The host and the port.
    private var place: ShortRequest.Place? {
        let parts = url.dropFirst("http://".count).split(separator: ":")
        guard url.hasPrefix("http://"), parts.count == 2, let port = UInt16(parts[1]) else {
            return nil
        }
        return .port(host: String(parts[0]), port)
    }

    var host: String {
        guard case .port(let host, _)? = place else { return "127.0.0.1" }
        return host
    }

    /// The credentials of a role, or the engine's own, as the gateway hands them out. What it is still
    /// asking for is waited for.
    ///
    /// - Throws: ``InspectorError`` with the reason why there are none.
    func session(_ role: String?) throws -> Shown {
        let end = ContinuousClock.now + .seconds(60)
        while true {
            let answer: ShortRequest.Answer
            do {
                guard let place else { throw ShortRequest.Broken() }
                answer = try ShortRequest(path: Self.path(role), authorization: token)
                    .send(to: place)
            } catch {
                throw InspectorError("the gateway at \(url) cannot be reached")
            }
            let body = try? Shown(json: answer.body)
            if answer.status == 200, let body { return body }
            let (code, message) = (body?["code"]?.plain, body?["message"]?.plain)
            // It answers within a second: there is no need to wait for the next question.
            if code == CredentialsFace.pending, ContinuousClock.now < end { continue }
            throw InspectorError(message ?? "the gateway answered HTTP \(answer.status)")
        }
    }
}

extension Shown {
    /// A text's own characters.
    var plain: String? {
        guard case .text(let text) = self else { return nil }
        return text
    }
}

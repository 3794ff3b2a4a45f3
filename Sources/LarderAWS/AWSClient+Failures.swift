import AsyncHTTPClient
import FoundationEssentials
import Glibc
import LarderInspector
import NIOCore
import NIOHTTP1
import NIOPosix

extension AWSClient {
    /// The error for a request that got no whole reply.
    func failure(of call: Call, _ error: any Error) -> AWSError {
        var failure = sentence(call, error)
        if AWSError.isLate(error) { failure.isLate = true }
        return failure
    }

    private func sentence(_ call: Call, _ error: any Error) -> AWSError {
        let place = call.endpoint.url
        let names = SettingNames.inUse
        let check =
            call.proxy.map { "check \($0), or name the host in NO_PROXY" }
            ?? "check the network, \(names.endpointURL) and \(names.region)"
        let cut = call.error(
            .cut, "\(place) closed the connection before its reply ended; try again, or \(check)")
        switch error {
        case let error as AWSError:
            return error
        case is NIOTooManyBytesError:
            let limit = Self.largestReply >> 20
            return call.error(
                .garbage,
                "\(place) sent more than \(limit) MiB; check \(names.endpointURL)")
        case let error as HTTPClientError where error == .proxyAuthenticationRequired:
            return call.error(
                .invalid,
                "\(through(call)) wants to be told who asks; write http://USER:PASSWORD@HOST:PORT")
        case let error as HTTPClientError where error == .invalidProxyResponse:
            return call.error(
                .unreachable, "\(through(call)) does not lead to \(place); \(check)")
        case let error as HTTPClientError
        where error == .httpProxyHandshakeTimeout || call.proxy != nil && error == .connectTimeout:
            return call.error(.unreachable, "\(through(call)) did not answer in time; \(check)")
        case is NIOConnectionError where call.proxy != nil:
            return call.error(
                .unreachable, "\(through(call)) cannot be reached: \(reason(error)); \(check)")
        case let error as HTTPClientError where error == .connectTimeout:
            return call.error(
                .unreachable, "\(place) did not accept a connection in time; \(check)")
        case let late as Late:
            // The last attempt has what is left of the call.
            let waited = Units.text(
                late.limit < deadlines.attempt ? deadlines.call : deadlines.attempt)
            return call.error(
                .unreachable,
                "\(place) did not answer in full within \(waited); try again, or \(check)")
        case let error as HTTPClientError where error == .remoteConnectionClosed:
            return cut
        case let error as HTTPParserError where error == .invalidEOFState:
            return cut
        case let error as IOError where [ECONNRESET, EPIPE].contains(error.errnoCode):
            return cut
        case is HTTPParserError:
            return call.error(
                .garbage, "\(place) does not answer in HTTP; check \(names.endpointURL)")
        default:
            return call.error(
                .unreachable, "\(place) cannot be reached: \(reason(error)); \(check)")
        }
    }

    private func through(_ call: Call) -> String { call.proxy?.description ?? "a proxy" }

    private func reason(_ error: any Error) -> String {
        switch error {
        case let error as IOError:
            String(cString: strerror(error.errnoCode)).lowercased()
        case let error as NIOConnectionError:
            error.connectionErrors.first.map { reason($0.error) } ?? "no such host is known"
        // Its full description may hold the headers, and with them the session token.
        case let error as HTTPClientError:
            error.shortDescription.lowercased()
        case _ where String(reflecting: type(of: error)).hasPrefix("NIOSSL."):
            "\(error)".contains("CERTIFICATE_VERIFY_FAILED")
                ? "its certificate is not trusted here (AWS_CA_BUNDLE names others to trust)"
                : "no TLS connection can be made (is it http?)"
        default:
            AWSError.printable("\(error)")
        }
    }
}

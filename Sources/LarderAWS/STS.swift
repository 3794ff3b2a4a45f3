import FoundationEssentials
import Glibc
import Larder
import LarderInspector
import NIOHTTP1

/// The Security Token Service as far as roles are assumed: the query protocol, XML replies.
public struct STS: Sendable {
    let client: AWSClient

    /// Assumes a role and returns its session's credentials, their end already on the age line.
    ///
    /// - Parameters:
    ///   - request: Which role, and on which terms.
    ///   - tokenCode: The present six digits of the request's device.
    /// - Throws: ``AWSError``; `CancellationError` where the caller gave up, which ends the request.
    public func assumeRole(
        _ request: RoleRequest, tokenCode: String? = nil
    ) async throws -> Credentials {
        try request.check()
        let asksForMore = request.duration.map { $0 > RoleRequest.longestChained } ?? false
        if asksForMore, request.caller.isSession { sayCut(request) }
        do {
            return try await assume(request, tokenCode)
        } catch let error as AWSError where asksForMore && error.isAboutChaining {
            // Only STS can tell a role's session from a user's, since both have tokens.
            sayCut(request)
            var request = request
            request.caller.isSession = true
            return try await assume(request, tokenCode)
        }
    }

    private func assume(_ request: RoleRequest, _ tokenCode: String?) async throws -> Credentials {
        var form = [("Action", "AssumeRole"), ("Version", "2011-06-15")] + request.form
        if let tokenCode { form.append(("TokenCode", tokenCode)) }
        let call = client.call("sts", "AssumeRole", "of \(request.role.arn)")
        return try await session(call, form, request.role)
    }

    private func sayCut(_ request: RoleRequest) {
        client.notices.say(
            "AssumeRole of \(request.role.arn): a role that another role's session assumes lives an "
                + "hour at most; 3600 seconds are asked for instead of "
                + "\(request.duration!.components.seconds)")
    }

    /// Assumes a role with the token of a web identity; it needs no credentials.
    func assumeRoleWithWebIdentity(
        _ role: IAMRole, sessionName: String, token: String, from file: String
    ) async throws -> Credentials {
        var call = client.call("sts", "AssumeRoleWithWebIdentity", "of \(role.arn)")
        call.isSigned = false
        call.keys = .token(file)
        let form = [
            ("Action", "AssumeRoleWithWebIdentity"), ("Version", "2011-06-15"),
            ("RoleArn", role.arn), ("RoleSessionName", sessionName), ("WebIdentityToken", token),
        ]
        return try await session(call, form, role)
    }

    private func session(
        _ call: Call, _ form: [(String, String)], _ role: IAMRole
    ) async throws -> Credentials {
        let body = form.map { "\($0.0)=\(Signature.encoded($0.1))" }.joined(separator: "&")
        return try await client.send(
            call, headers: [("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")],
            body: Array(body.utf8)
        ) { reply, call in
            guard reply.status == 200 else {
                throw Self.serviceError(reply).map(call.error)
                    ?? call.unexplained(status: reply.status)
            }
            guard let credentials = credentials(in: reply, role) else {
                throw call.error(
                    .garbage,
                    "the reply of \(call.endpoint.url) holds no credentials; check \(SettingNames.inUse.endpointURL)"
                )
            }
            guard credentials.expiry! > client.clock.now() else {
                throw call.error(
                    .garbage, "\(call.endpoint.url) gave credentials that have expired already")
            }
            return credentials
        }
    }

    /// Assumes a role with what is usual for the rest.
    public func assumeRole(
        _ role: IAMRole, sessionName: String = "larder", duration: Duration? = nil,
        externalID: String? = nil
    ) async throws -> Credentials {
        try await assumeRole(
            RoleRequest(
                role, sessionName: sessionName, duration: duration, externalID: externalID))
    }

    /// The session's life is counted from the server's own `Date`, so that a wrong clock here
    /// does not lengthen it. `Date` is cut to the second: a clock here that agrees with it says
    /// more, and where it does not the second counts as over.
    private func credentials(in reply: AWSClient.Reply, _ role: IAMRole) -> Credentials? {
        guard let values = XMLValues(reply.body), let id = values["Credentials", "AccessKeyId"],
            let secret = values["Credentials", "SecretAccessKey"],
            let token = values["Credentials", "SessionToken"],
            let expiration = values["Credentials", "Expiration"].flatMap(Self.date)
        else { return nil }
        let now = Date()
        let date = reply.headers.first(name: "Date").flatMap(Self.httpDate) ?? now
        let agrees = (0..<1).contains(now.timeIntervalSince(date))
        let serverNow = agrees ? now : date.addingTimeInterval(1)
        let life = Duration.seconds(expiration.timeIntervalSince(serverNow))
        var session = Credentials(
            accessKeyID: id, secretAccessKey: Secret(secret), sessionToken: Secret(token),
            expiry: client.clock.now() + life, expiration: expiration, role: role.arn)
        session.source = .role(role.arn)
        return session
    }

    /// ISO 8601, with or without fractions of a second.
    static func date(_ text: String) -> Date? {
        (try? Date(text, strategy: .iso8601))
            ?? (try? Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true)))
    }

    /// `Mon, 23 Nov 2026 08:37:38 GMT`.
    static func httpDate(_ text: String) -> Date? {
        let form =
            /[A-Z][a-z]{2}, (\d{2}) ([A-Z][a-z]{2}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) (?:GMT|UTC)/
        guard let found = text.wholeMatch(of: form)?.output,
            let month = months.firstIndex(of: String(found.2)),
            let day = Int32(found.1), let year = Int32(found.3), let hour = Int32(found.4),
            let minute = Int32(found.5), let second = Int32(found.6),
            (1...31).contains(day), hour < 24, minute < 60, second <= 60
        else { return nil }
        var parts = tm()
        (parts.tm_year, parts.tm_mon, parts.tm_mday) = (year - 1900, Int32(month), day)
        (parts.tm_hour, parts.tm_min, parts.tm_sec) = (hour, minute, second)
        return Date(timeIntervalSince1970: Double(timegm(&parts)))
    }

    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// `ErrorResponse/Error`, or `ErrorResponse/Errors/Error`.
    static func serviceError(_ reply: AWSClient.Reply) -> ServiceError? {
        guard let values = XMLValues(reply.body), let code = values["Error", "Code"] else {
            return nil
        }
        return ServiceError(
            code: code, message: values["Error", "Message"] ?? "",
            requestID: values["RequestId"] ?? values["RequestID"]
                ?? reply.headers.first(name: "x-amzn-RequestId"),
            status: reply.status)
    }
}

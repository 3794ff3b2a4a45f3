import Crypto
import FoundationEssentials
public import Larder
public import LarderInspector

/// All that makes a role's session what it is: the inputs of AssumeRole, and who asks where.
///
/// It is the key of cached credentials. Two requests that differ in anything are two entries:
/// a session with one external id, policy or tag must never be handed to who asked with another.
/// Texts are compared byte by byte, as STS does.
public struct RoleRequest: Sendable {
    /// `RoleArn`.
    public var role: IAMRole
    /// 2 to 64 letters, digits and `_+=,.@-`; it stands in the account's trail.
    public var sessionName: String
    /// How long the session lives, 15 minutes to 12 hours; `nil` for STS's own hour.
    public var duration: Duration?
    /// `ExternalId`: what the role's owner agreed with the caller.
    public var externalID: String?
    /// A session policy as JSON: it takes from what the role may do.
    public var policy: String?
    /// `PolicyArns`: managed policies, 10 at most, which take from what the role may do as well.
    public var policyARNs: [String]
    /// `Tags` of the session, 50 at most.
    public var tags: [Verbatim: Verbatim]
    /// Of the tags, those that sessions assumed from this one have too.
    public var transitiveTagKeys: Set<Verbatim>
    /// `SourceIdentity`: who is behind the session; it stands in the account's trail.
    public var sourceIdentity: String?
    /// The device whose code goes with the request.
    public var serialNumber: String?
    /// Who asks, in which region and at which endpoint.
    public var caller: Caller

    /// Who asks, where: each caller has sessions of its own.
    public struct Caller: Sendable {
        /// What tells one identity from another: an access key id, or the name of a provider.
        public var identity: String
        /// The region whose STS is asked.
        public var region: String
        /// Another address than AWS's; `nil` for AWS's own.
        public var endpoint: String?
        /// The caller is a role's session itself, so that this one lives an hour at most.
        public var isSession: Bool

        /// A caller that is not told apart from others, where nothing is said.
        public init(
            identity: String = "", region: String = "", endpoint: String? = nil,
            isSession: Bool = false
        ) {
            self.identity = identity
            self.region = region
            self.endpoint = endpoint
            self.isSession = isSession
        }
    }

    /// What is left out is as STS has it; the session is called `larder`. Nothing is checked yet,
    /// see ``check()``.
    public init(
        _ role: IAMRole, sessionName: String = "larder", duration: Duration? = nil,
        externalID: String? = nil, policy: String? = nil, policyARNs: [String] = [],
        tags: [Verbatim: Verbatim] = [:], transitiveTagKeys: Set<Verbatim> = [],
        sourceIdentity: String? = nil, serialNumber: String? = nil, caller: Caller = Caller()
    ) {
        self.role = role
        self.sessionName = sessionName
        self.duration = duration
        self.externalID = externalID
        self.policy = policy
        self.policyARNs = policyARNs
        self.tags = tags
        self.transitiveTagKeys = transitiveTagKeys
        self.sourceIdentity = sourceIdentity
        self.serialNumber = serialNumber
        self.caller = caller
    }

    /// The same without what a role's owner knows the caller by: external id, tags and source
    /// identity. Policies stay, because they only take away.
    public var withoutIdentity: RoleRequest {
        var request = self
        request.externalID = nil
        request.tags = [:]
        request.transitiveTagKeys = []
        request.sourceIdentity = nil
        return request
    }

    /// The longest life of a session that another session asked for.
    static let longestChained = Duration.seconds(3600)

    /// As AssumeRole takes it.
    var form: [(name: String, value: String)] {
        var form = [("RoleArn", role.arn), ("RoleSessionName", sessionName)]
        for (place, arn) in policyARNs.enumerated() {
            form.append(("PolicyArns.member.\(place + 1).arn", arn))
        }
        if let policy { form.append(("Policy", policy)) }
        if let duration {
            let life = caller.isSession ? min(duration, Self.longestChained) : duration
            form.append(("DurationSeconds", "\(life.components.seconds)"))
        }
        for (place, tag) in tags.sorted(by: { $0.key < $1.key }).enumerated() {
            form.append(("Tags.member.\(place + 1).Key", tag.key.text))
            form.append(("Tags.member.\(place + 1).Value", tag.value.text))
        }
        for (place, key) in transitiveTagKeys.sorted().enumerated() {
            form.append(("TransitiveTagKeys.member.\(place + 1)", key.text))
        }
        if let externalID { form.append(("ExternalId", externalID)) }
        if let serialNumber { form.append(("SerialNumber", serialNumber)) }
        if let sourceIdentity { form.append(("SourceIdentity", sourceIdentity)) }
        return form
    }

    /// `222222222222/reader`, and a digest of the rest where that is not all as usual.
    public var shownKey: String {
        let plain = RoleRequest(
            role,
            caller: Caller(
                identity: caller.identity, region: caller.region, endpoint: caller.endpoint))
        guard self != plain else { return role.shownKey }
        var digest = SHA256()
        // Each part with its length before it, so that no two lists read as one.
        for (name, value) in form + [("chained", "\(caller.isSession)")] {
            digest.update(data: Data("\(name.utf8.count):\(name)\(value.utf8.count):\(value)".utf8))
        }
        let tail = Signature.hex(digest.finalize().prefix(6))
        return "\(role.shownKey)#\(tail)"
    }
}

extension RoleRequest: ByteSized {
    /// What its texts and lists own.
    public var heapBytes: Int {
        let texts = [
            role.arn, sessionName, externalID, policy, sourceIdentity, serialNumber,
            caller.identity, caller.region, caller.endpoint,
        ]
        let lists =
            policyARNs + transitiveTagKeys.map(\.text)
            + tags.flatMap { [$0.key.text, $0.value.text] }
        return (texts.compactMap(\.self) + lists).reduce(0) { $0 + $1.heapBytes }
            + 32 * lists.count
    }
}

extension RoleRequest: Hashable {
    /// The texts of which it is made, apart from the tags.
    private var texts: [Verbatim?] {
        [role.arn, sessionName, externalID, policy, sourceIdentity, serialNumber]
            .map { $0.map { Verbatim($0) } }
    }

    public static func == (a: RoleRequest, b: RoleRequest) -> Bool {
        a.texts == b.texts && a.duration == b.duration
            && a.policyARNs.map { Verbatim($0) } == b.policyARNs.map { Verbatim($0) }
            && a.tags == b.tags && a.transitiveTagKeys == b.transitiveTagKeys
            && a.caller == b.caller
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(texts)
        hasher.combine(duration)
        hasher.combine(policyARNs.map { Verbatim($0) })
        hasher.combine(tags)
        hasher.combine(transitiveTagKeys)
        hasher.combine(caller)
    }
}

extension RoleRequest.Caller: Hashable {
    public static func == (a: Self, b: Self) -> Bool {
        Verbatim(a.identity) == Verbatim(b.identity) && Verbatim(a.region) == Verbatim(b.region)
            && a.endpoint.map { Verbatim($0) } == b.endpoint.map { Verbatim($0) }
            && a.isSession == b.isSession
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(Verbatim(identity))
        hasher.combine(Verbatim(region))
        hasher.combine(endpoint.map { Verbatim($0) })
        hasher.combine(isSession)
    }
}

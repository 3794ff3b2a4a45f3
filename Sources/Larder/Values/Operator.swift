/// Who asked for a change, and why. Events keep it by reference: it is one word in each.
public struct Operator: Hashable, Sendable, Codable, CustomStringConvertible {
    private let facts: Facts

    private final class Facts: Sendable {
        let name: String
        let reason: String?
        let uid: UInt32?
        let pid: Int32?
        let plan: String?

        init(name: String, reason: String?, uid: UInt32?, pid: Int32?, plan: String?) {
            self.name = name
            self.reason = reason
            self.uid = uid
            self.pid = pid
            self.plan = plan
        }
    }

    /// By which people know the actor.
    public var name: String { facts.name }
    /// Why, in the actor's own words.
    public var reason: String? { facts.reason }
    /// The user's number, where the kernel told it.
    public var uid: UInt32? { facts.uid }
    /// The process's number, where the kernel told it.
    public var pid: Int32? { facts.pid }
    /// The plan that was applied.
    public var plan: String? { facts.plan }

    /// What is not known is left out.
    public init(
        _ name: String, reason: String? = nil, uid: UInt32? = nil, pid: Int32? = nil,
        plan: String? = nil
    ) {
        facts = Facts(name: name, reason: reason, uid: uid, pid: pid, plan: plan)
    }

    /// The same, as the one who applies a plan.
    public func applying(_ plan: String) -> Operator {
        Operator(name, reason: reason, uid: uid, pid: pid, plan: plan)
    }

    /// The same, for another reason.
    public func because(_ reason: String) -> Operator {
        Operator(name, reason: reason, uid: uid, pid: pid, plan: plan)
    }

    /// `ops (uid 1001, pid 4242)`, as far as it is known.
    public var description: String {
        let known = [uid.map { "uid \($0)" }, pid.map { "pid \($0)" }].compactMap(\.self)
        return known.isEmpty ? name : "\(name) (\(known.joined(separator: ", ")))"
    }

    public static func == (a: Operator, b: Operator) -> Bool {
        a.facts === b.facts
            || (a.name, a.reason, a.uid, a.pid, a.plan) == (b.name, b.reason, b.uid, b.pid, b.plan)
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(name)
        hasher.combine(plan)
    }

    private enum CodingKeys: String, CodingKey {
        case name, reason, uid, pid, plan
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            try values.decode(String.self, forKey: .name),
            reason: try values.decodeIfPresent(String.self, forKey: .reason),
            uid: try values.decodeIfPresent(UInt32.self, forKey: .uid),
            pid: try values.decodeIfPresent(Int32.self, forKey: .pid),
            plan: try values.decodeIfPresent(String.self, forKey: .plan))
    }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        try values.encode(name, forKey: .name)
        try values.encodeIfPresent(reason, forKey: .reason)
        try values.encodeIfPresent(uid, forKey: .uid)
        try values.encodeIfPresent(pid, forKey: .pid)
        try values.encodeIfPresent(plan, forKey: .plan)
    }
}

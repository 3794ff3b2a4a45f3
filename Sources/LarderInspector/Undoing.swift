import Larder

/// What it would bring to take a change back, as things stand.
public struct Undoing: Hashable, Sendable {
    /// What it comes to, a sentence each.
    public var sentences: [String] = []
    /// What has to go for it, by the plans of the bounds that go back.
    public var plans: [Plan] = []
    /// Whether anything would come of it.
    public var isSome = false
}

extension Inspector {
    /// What taking back the application of a plan would do; changes nothing.
    ///
    /// - Throws: ``InspectorError`` where the plan was not applied, was undone, or is too long ago.
    public func undoing(_ plan: Plan.ID) async throws -> Undoing {
        let progress = try await progress(of: plan)
        guard progress.state != .undone else {
            throw InspectorError("this plan was undone already", isUnknown: true)
        }
        let report = try await report()
        var undoing = Undoing()
        if progress.state == .underWay {
            undoing.sentences.append("it is under way, and stopped first")
            undoing.isSome = true
        }
        let done = try await changes(after: 0).last { $0.plan == plan }
        for bounds in done?.bounds ?? [] { try await add(bounds, report, to: &undoing) }
        let seconds = report.at - (done?.at ?? report.at)
        undoing.add(progress.outcome.removed, after: seconds)
        return undoing
    }

    private func add(
        _ bounds: ChangeRecord.Bounds, _ report: Report, to undoing: inout Undoing
    ) async throws {
        let cache = report.caches.first { $0.name.isExactly(bounds.cache) }
        guard cache?.snapshot.configuration == bounds.after else {
            undoing.sentences.append(
                "\(bounds.cache): the bounds stay, for they were changed since by someone else")
            return
        }
        let plan = try await preview(.configure(cache: bounds.cache, to: bounds.before))
        undoing.plans.append(plan)
        undoing.isSome = true
        undoing.sentences.append(
            "\(bounds.cache): \(bounds.before.differences(from: bounds.after)); "
                + plan.effect(held: cache?.snapshot.count))
    }
}

extension Undoing {
    /// How long what was removed can come back.
    static let window = Duration.seconds(30)

    fileprivate mutating func add(_ removed: Int, after time: Duration) {
        guard removed > 0 else { return }
        let counted = Units.counted(removed, "entry", "entries")
        guard time < Self.window else {
            let window = Units.text(Self.window)
            sentences.append(
                "\(counted) removed \(Units.text(time)) ago: they come back for \(window) only")
            return
        }
        isSome = true
        sentences.append(
            "up to \(counted) \(removed == 1 ? "comes" : "come") back: not credentials, nor what was "
                + "written anew since")
    }
}

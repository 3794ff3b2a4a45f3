/// Waits until `holds`, letting others work meanwhile; false where it did not within `limit`.
public func settles(
    within limit: Duration = .seconds(20), _ holds: () async throws -> Bool
) async rethrows -> Bool {
    let end = ContinuousClock.now + limit
    var looks = 0
    while ContinuousClock.now < end {
        if try await holds() { return true }
        looks += 1
        if looks < 1000 { await Task.yield() } else { try? await Task.sleep(for: .milliseconds(1)) }
    }
    return try await holds()
}

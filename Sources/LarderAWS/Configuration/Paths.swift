import FoundationEssentials
import Glibc

/// A path as botocore expands it: `$NAME` and `${NAME}` by the environment where they are set, then
/// `~` and `~user`.
func expandedPath(_ path: String, _ environment: [String: String]) -> String {
    let variable = /\$(?:(?<name>[A-Za-z0-9_]+)|\{(?<braced>[^}]*)\})/
        .matchingSemantics(.unicodeScalar)
    let path = path.replacing(variable) { match in
        environment[String(match.output.name ?? match.output.braced ?? "")]
            ?? String(match.output.0)
    }
    guard path.hasPrefix("~") else { return path }
    let user = path.dropFirst().prefix { $0 != "/" }
    let place = user.isEmpty ? environment["HOME"] ?? home(of: nil) : home(of: String(user))
    guard var place else { return path }
    while place.hasSuffix("/") { place.removeLast() }
    let whole = place + path.dropFirst(1 + user.count)
    return whole.isEmpty ? "/" : whole
}

/// The home that the system's list of users has; `nil` for a user that it does not know.
private func home(of user: String?) -> String? {
    var entry = passwd()
    var found: UnsafeMutablePointer<passwd>?
    var buffer = [CChar](repeating: 0, count: 16_384)
    let status =
        user.map { getpwnam_r($0, &entry, &buffer, buffer.count, &found) }
        ?? getpwuid_r(getuid(), &entry, &buffer, buffer.count, &found)
    guard status == 0, found != nil, let home = entry.pw_dir else { return nil }
    return String(cString: home)
}

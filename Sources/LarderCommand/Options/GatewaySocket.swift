import Foundation
import LarderInspector
import LarderWire

/// A unix socket that the gateway listens at, beside its port or instead of it.
enum GatewaySocket {
    /// A path that ends in `.sock`.
    static func place(_ text: String) throws -> Rendezvous {
        let path = URL(filePath: text).standardizedFileURL.path
        let name = (path as NSString).lastPathComponent
        guard name.hasSuffix(".sock"), name.utf8.count > 5 else {
            throw UnitError("\"\(text)\" is no path of a socket; write one that ends in .sock")
        }
        let folder = (path as NSString).deletingLastPathComponent
        do { return try Rendezvous(folder: folder, name: String(name.dropLast(5))) } catch {
            throw UnitError("\"\(text)\": \(error)")
        }
    }

    /// Why `larder exec` finds nothing to point at.
    static func alone(_ place: Rendezvous) -> InspectorError {
        InspectorError(
            "the gateway listens at \(place.socket) alone, which AWS's SDKs cannot be told of; start "
                + "the engine with --gateway as well")
    }
}

/// The table that `--follow-streams` names.
enum FollowedTable {
    static func name(_ text: String) throws(UnitError) -> String {
        guard text.wholeMatch(of: /[A-Za-z0-9_.\-]{3,255}/) != nil else {
            throw UnitError(
                "\"\(text)\" is no name of a table; 3 to 255 letters, digits and _.- are accepted")
        }
        return text
    }
}

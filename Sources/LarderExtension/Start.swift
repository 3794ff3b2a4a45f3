import CGlibc
import CMemfd
import Dispatch
import Glibc
import LarderAWS
import LarderInspector

/// Where the process begins: as the extension, or, with `wrap` before a command, as the wrapper that
/// becomes that command.
@main
enum Start {
    static func main() {
        let words = Array(CommandLine.arguments.dropFirst())
        SettingNames.inUse = .ofFunctions
        // What it becomes has its signals as they were.
        if words.first == "wrap" { Wrapper.run(Array(words.dropFirst())) }
        for number in [SIGPIPE, SIGXFSZ] { signal(number, SIG_IGN) }
        // Its memory is the function's: one heap for all threads stays small.
        mallopt(M_ARENA_MAX, 1)
        let secrets = SecretVariables.take()
        let environment = Variables.own
        Task.detached { await Extension.run(environment, secrets) }
        dispatchMain()
    }
}

extension SettingNames {
    /// A function has variables, and no command line.
    fileprivate static var ofFunctions: SettingNames {
        var names = SettingNames()
        names.endpointURL = "LARDER_ENDPOINT_URL"
        names.region = "AWS_REGION"
        names.profile = "give the function a role"
        names.gateway = "name another with LARDER_GATEWAY"
        names.otherKeys =
            "use the function's own keys and region, or give a client with others an endpoint of its own"
        names.ownKeys = "AWS_CONTAINER_AUTHORIZATION_TOKEN is to be the function's session token"
        return names
    }
}

/// The process's own variables.
enum Variables {
    static var own: [String: String] {
        var found: [String: String] = [:]
        var place = larder_environment()
        while let text = place?.pointee {
            let pair = String(cString: text).split(
                separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if pair.count == 2 {
                found[String(pair[0])] = found[String(pair[0])] ?? String(pair[1])
            }
            place = place?.successor()
        }
        return found
    }
}

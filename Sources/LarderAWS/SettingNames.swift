import Larder
import Synchronization

/// What the settings are called by which sentences say what to do: options of the program, or the
/// variables of a Lambda function, where there is no command line.
package struct SettingNames: Sendable {
    package var endpointURL = "--endpoint-url"
    package var region = "--region"
    package var profile = "name a profile with --profile"
    package var gateway = "name another with --gateway, or port 0"
    /// What is to be done about a request that is signed with keys that are not known here.
    package var otherKeys =
        "run the program by `larder exec`, or with the keys that larder itself has"
    /// The same where the keys themselves are asked for.
    package var ownKeys = "run the program by `larder exec`, or take the lines of `larder env`"

    package init() {}

    private static let state = Guarded(SettingNames())

    /// Those of this process, which are set once at its start.
    package static var inUse: SettingNames {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }
}

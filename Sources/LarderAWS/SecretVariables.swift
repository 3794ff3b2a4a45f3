import CMemfd
import Glibc
package import LarderInspector

/// The variables that hold secrets: kept as such, and no longer in the environment once read.
package enum SecretVariables {
    static let session = "AWS_SESSION_TOKEN"
    static let oldSession = "AWS_SECURITY_TOKEN"
    static let key = "AWS_SECRET_ACCESS_KEY"
    static let container = "AWS_CONTAINER_AUTHORIZATION_TOKEN"

    static let names: Set<String> = [key, session, oldSession, container]

    /// An environment in two parts: what is not secret, and what is.
    static func parted(
        _ environment: [String: String]
    ) -> (plain: [String: String], secrets: [String: Secret]) {
        (
            environment.filter { !names.contains($0.key) },
            environment.filter { names.contains($0.key) }.mapValues { Secret($0) }
        )
    }

    /// Takes them out of this process's own environment, whose bytes are overwritten where the system
    /// put them: neither `/proc/PID/environ` nor a program that is started has them then.
    ///
    /// To be called once and first of all: nobody else may be reading the environment.
    package static func take() -> [String: Secret] {
        var taken: [String: Secret] = [:]
        var place = larder_environment()
        while let text = place?.pointee {
            if let (name, value) = secret(in: text) {
                // Of a name that stands twice the first counts, as for getenv.
                taken[name] = taken[name] ?? Secret(bytes: UnsafeRawBufferPointer(value))
                explicit_bzero(value.baseAddress!, value.count)
            }
            place = place?.successor()
        }
        for name in taken.keys { unsetenv(name) }
        return taken
    }

    private static func secret(
        in text: UnsafeMutablePointer<CChar>
    ) -> (String, UnsafeMutableRawBufferPointer)? {
        for name in names where strncmp(text, name + "=", name.utf8.count + 1) == 0 {
            let value = text + name.utf8.count + 1
            return (name, UnsafeMutableRawBufferPointer(start: value, count: strlen(value)))
        }
        return nil
    }
}

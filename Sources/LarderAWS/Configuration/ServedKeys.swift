import Foundation
import Larder
import LarderInspector

/// Credentials as programs and endpoints hand them out: JSON with AWS's own names.
struct ServedKeys: Decodable {
    var Version: Int?
    var AccessKeyId: String?
    var SecretAccessKey: String?
    var SessionToken: String?
    var Token: String?
    var Expiration: String?
    var RoleArn: String?
    var Code: String?

    /// - Throws: ``AWSError`` that begins with `who` and repeats nothing of the text.
    func credentials(from who: String, clock: AgeClock) throws -> Credentials {
        func missing(_ name: String) -> AWSError {
            AWSError(.noCredentials, "\(who) gave no \(name)")
        }
        guard let id = AccessKeyId, !id.isEmpty else { throw missing("AccessKeyId") }
        guard let secret = SecretAccessKey, !secret.isEmpty else {
            throw missing("SecretAccessKey")
        }
        var expiry: Instant?
        var expiration: Date?
        if let text = Expiration {
            guard let date = STS.date(text) else {
                throw AWSError(
                    .noCredentials,
                    "\(who) gave \"\(AWSError.printable(text))\" as Expiration; an ISO 8601 time "
                        + "is expected")
            }
            expiration = date
            expiry = clock.now() + .seconds(date.timeIntervalSinceNow)
            guard date.timeIntervalSinceNow > 0 else {
                throw AWSError(.noCredentials, "\(who) gave credentials that have expired already")
            }
        }
        return Credentials(
            accessKeyID: id, secretAccessKey: Secret(secret),
            sessionToken: (SessionToken ?? Token).map { Secret($0) }, expiry: expiry,
            expiration: expiration, role: RoleArn)
    }
}

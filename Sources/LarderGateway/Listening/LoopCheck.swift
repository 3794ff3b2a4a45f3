import HTTPTypes
import LarderAWS

/// How a request that comes back is known: our own upstream may lead to us.
enum LoopCheck {
    static let header = "Larder-Hop"
    static let name = HTTPField.Name(header)!
    /// So many gateways may stand behind each other.
    private static let most = 4

    /// What a request says that goes on from here.
    ///
    /// - Throws: ``Refusal`` where it has been here before.
    static func next(_ fields: HTTPFields, own: String) throws(Refusal) -> String {
        let hops = fields[values: name].flatMap { value in
            value.split(separator: ",").map { String($0.drop { $0 == " " }) }
        }
        guard !hops.contains(where: { $0 == own }) else {
            throw .loop(
                "this gateway's own upstream leads back to it; have "
                    + "\(SettingNames.inUse.endpointURL), or AWS_ENDPOINT_URL_DYNAMODB of larder "
                    + "itself, name the service")
        }
        guard hops.count < most else {
            throw .loop("\(hops.count) gateways stand behind each other")
        }
        return (hops + [own]).joined(separator: ", ")
    }
}

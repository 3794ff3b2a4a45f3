/// Where an engine's gateway is, and what opens it: for processes of its own user.
package struct GatewayPass: Codable, Hashable, Sendable {
    /// `http://127.0.0.1:5599`, without a slash behind it.
    package var url: String
    /// What has to stand in the Authorization header of whoever asks for credentials.
    package var token: String
    /// The region that DynamoDB's requests are signed for.
    package var region: String
    /// Whether everything there is invented.
    package var isDemo: Bool

    package init(url: String, token: String, region: String, isDemo: Bool) {
        self.url = url
        self.token = token
        self.region = region
        self.isDemo = isDemo
    }
}

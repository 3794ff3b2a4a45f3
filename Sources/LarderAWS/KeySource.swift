import Larder

/// Where keys are from, for the advice in an error that blames them.
enum KeySource: Hashable, Sendable {
    /// `AWS_ACCESS_KEY_ID` and its like.
    case environment
    /// The line of a profile that holds the key id, `FILE:LINE`.
    case file(String)
    /// The line that names the program.
    case process(String)
    /// An endpoint that hands keys out, as an error names it.
    case endpoint(String)
    /// The session of a role, by its ARN.
    case role(String)
    /// The file with a web identity's token, which stands for keys.
    case token(String)

    /// What to do about a session that has ended.
    var refresh: String {
        switch self {
        case .environment:
            "the session in AWS_SESSION_TOKEN has ended; log in anew, set the new keys and start "
                + "again"
        case .file(let place): "the session at \(place) has ended; renew the keys there"
        case .process(let place):
            "the session that the credential_process of \(place) gave has ended; see what it "
                + "prints now"
        case .endpoint(let name): "the session that \(name) gave has ended; see its own log"
        case .role(let arn):
            "the session of \(arn) has ended; the next look-up assumes the role anew"
        case .token(let file):
            "the web identity's token in \(file) has ended; whoever writes it has to write a new one"
        }
    }

    /// What to do about a key id, or a session token, that is not known.
    var remedyOfID: String {
        switch self {
        case .environment: "check AWS_ACCESS_KEY_ID and AWS_SESSION_TOKEN"
        case .file(let place): "check aws_access_key_id and aws_session_token at \(place)"
        case .process(let place): "check what the credential_process of \(place) prints"
        case .endpoint(let name): "check what \(name) gives"
        case .role(let arn): "check whether \(arn) was deleted or made anew"
        case .token(let file): "check the web identity's token in \(file)"
        }
    }

    /// What to do about a secret that is wrong.
    var remedyOfSecret: String {
        switch self {
        case .environment: "check AWS_SECRET_ACCESS_KEY"
        case .file(let place): "check aws_secret_access_key at \(place)"
        default: remedyOfID
        }
    }
}

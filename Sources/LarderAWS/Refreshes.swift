public import Larder

extension Refresh {
    /// Credentials by the refresh rules that AWS's SDKs share, with windows in which a caller who
    /// wants a quarter of an hour of life gets it.
    ///
    /// They are refreshed 20 minutes before their end where they live for more than 40 minutes, 15
    /// where more than 20, 5 where more than 10. What lives shorter is refreshed after half of its
    /// life; the source may then have nothing newer to give, and half of what is left passes
    /// between one try and the next. Within the last minute everyone waits. After a failure what is
    /// held is served on and the next try waits 5 to 10 minutes; where nothing is held the failure
    /// is told to everyone for 1 to 5 seconds.
    ///
    /// Two rules are not the SDKs'. Credentials past their end are not served, unless the cache's
    /// ``CacheConfiguration/staleIfError`` says so. And what STS refuses for good, such as
    /// `AccessDenied`, is a failure like others: a session that has life left stays as good as it
    /// was, so it is served while the refusal is shown.
    public static let credentials: Refresh = .credentials(servesRefused: true)

    /// The same, with a choice for refusals.
    ///
    /// - Parameter servesRefused: False for the SDKs' own rule: a refresh that STS refuses for good
    ///   is told to everyone at once, whatever life the session held has left.
    public static func credentials(servesRefused: Bool) -> Refresh {
        Refresh(
            window: { life in
                windows.first { life > $0.over }?.window ?? (life > shortest ? life / 2 : .zero)
            },
            mandatory: .seconds(60), backoff: .seconds(300) ... .seconds(600), pause: told
        ) { error in
            guard !servesRefused, let code = (error as? AWSError)?.code else { return .passing }
            return refusals.contains(ServiceError.plain(code)) ? .refused(told) : .passing
        }
    }

    private static let windows: [(over: Duration, window: Duration)] = [
        (.seconds(2400), .seconds(1200)), (.seconds(1200), .seconds(900)),
        (.seconds(600), .seconds(300)),
    ]

    /// What lives no longer than this is not refreshed before its end.
    private static let shortest = Duration.seconds(10)

    private static let told: ClosedRange<Duration> = .seconds(1) ... .seconds(5)

    /// The codes of STS after which no try does better, without `Exception` behind them.
    private static let refusals: Set = [
        "AccessDenied", "IDPRejectedClaim", "InvalidIdentityToken", "MalformedPolicyDocument",
        "PackedPolicyTooLarge", "RegionDisabled",
    ]

    /// Items: that one is missing is an answer, a refusal is told for 1 to 5 seconds, and a failure
    /// with nothing to serve instead for half a second to one.
    public static let items = Refresh(
        backoff: .seconds(1) ... .seconds(5), pause: .milliseconds(500) ... .seconds(1)
    ) { error in
        switch (error as? AWSError)?.kind {
        case .missingItem: .absent
        case .denied, .unknownTable, .invalid: .refused(.seconds(1) ... .seconds(5))
        default: .passing
        }
    }
}

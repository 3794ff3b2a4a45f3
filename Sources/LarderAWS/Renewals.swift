public import Larder

extension Renewal {
    /// Credentials by the refresh rules that AWS's SDKs share, with windows in which a caller who
    /// wants a quarter of an hour of life gets it.
    ///
    /// They are renewed 20 minutes before their end where they live for more than 40 minutes, 15
    /// where more than 20, else 5; within the last minute everyone waits. After a failure what is
    /// held is served on and the next try waits 5 to 10 minutes; what STS refuses for good is told
    /// to everyone for 1 to 5 seconds.
    ///
    /// Unlike there, credentials past their end are not served, unless the cache's
    /// ``Configuration/staleIfError`` says so.
    public static let credentials = Renewal(
        window: { life in
            life > .seconds(2400)
                ? .seconds(1200) : life > .seconds(1200) ? .seconds(900) : .seconds(300)
        },
        mandatory: .seconds(60), backoff: .seconds(300) ... .seconds(600)
    ) { error in
        let refusals: Set = [
            "AccessDenied", "IDPRejectedClaim", "InvalidIdentityToken", "MalformedPolicyDocument",
            "PackedPolicyTooLarge", "RegionDisabled",
        ]
        guard let error = error as? AWSError, let code = error.code else { return .passing }
        let name = code.hasSuffix("Exception") ? String(code.dropLast("Exception".count)) : code
        return refusals.contains(name) ? .refused(.seconds(1) ... .seconds(5)) : .passing
    }

    /// Items: that one is missing is an answer, a refusal is told for 1 to 5 seconds, and a failure
    /// with nothing to serve instead for half a second to one.
    public static let items = Renewal(
        backoff: .seconds(1) ... .seconds(5), pause: .milliseconds(500) ... .seconds(1)
    ) { error in
        switch (error as? AWSError)?.kind {
        case .missingItem: .absent
        case .denied, .unknownTable, .invalid: .refused(.seconds(1) ... .seconds(5))
        default: .passing
        }
    }
}

/// A part of AWS that stands for itself: its regions, and how the names of its hosts end.
struct Partition: Sendable {
    let name: String
    /// What its regions begin with, before a word and a number: `eu` of `eu-west-1`.
    let prefixes: [String]
    let suffix: String
    /// Of hosts that are reached by IPv6 as well.
    let dualStackSuffix: String

    private init(
        _ name: String, _ prefixes: [String], _ suffix: String, dualStack: String
    ) {
        self.name = name
        self.prefixes = prefixes
        self.suffix = suffix
        dualStackSuffix = dualStack
    }

    static let all = [
        Partition(
            "aws", ["us", "eu", "ap", "sa", "ca", "me", "af", "il", "mx"], "amazonaws.com",
            dualStack: "api.aws"),
        Partition(
            "aws-cn", ["cn"], "amazonaws.com.cn", dualStack: "api.amazonwebservices.com.cn"),
        Partition(
            "aws-eusc", ["eusc-de"], "amazonaws.eu", dualStack: "api.amazonwebservices.eu"),
        Partition("aws-iso", ["us-iso"], "c2s.ic.gov", dualStack: "api.aws.ic.gov"),
        Partition("aws-iso-b", ["us-isob"], "sc2s.sgov.gov", dualStack: "api.aws.scloud"),
        Partition("aws-iso-e", ["eu-isoe"], "cloud.adc-e.uk", dualStack: "api.cloud-aws.adc-e.uk"),
        Partition("aws-iso-f", ["us-isof"], "csp.hci.ic.gov", dualStack: "api.aws.hci.ic.gov"),
        Partition("aws-us-gov", ["us-gov"], "amazonaws.com", dualStack: "api.aws"),
    ]

    /// The partition of a region; the public one where it is in none.
    static func of(_ region: String) -> Partition { all.first { $0.holds(region) } ?? all[0] }

    private func holds(_ region: String) -> Bool {
        region == "\(name)-global"
            || prefixes.contains { prefix in
                guard region.hasPrefix(prefix + "-") else { return false }
                return region.dropFirst(prefix.count + 1)
                    .wholeMatch(of: /[a-z0-9_]+-[0-9]+/) != nil
            }
    }
}

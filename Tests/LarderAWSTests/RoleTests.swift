import LarderAWS
import Testing

@Suite struct RoleTests {
    @Test(arguments: [
        ("arn:aws:iam::222222222222:role/reader", "222222222222/reader"),
        ("arn:aws:iam::222222222222:role/team/a/reader", "222222222222/team/a/reader"),
        ("arn:aws-cn:iam::012345678901:role/a", "012345678901/a"),
        ("arn:aws-us-gov:iam::222222222222:role/x=y,z.@-_+", "222222222222/x=y,z.@-_+"),
    ])
    func `a role is shown by account, path and name`(arn: String, shown: String) throws {
        let role = try IAMRole(arn)
        #expect(role.arn == arn)
        #expect(role.shownKey == shown)
        #expect(role.heapBytes > arn.utf8.count)
    }

    @Test(arguments: [
        "", "reader", "arn:aws:iam::22222222222:role/reader",
        "arn:aws:iam::2222222222222:role/reader", "arn:aws:iam::222222222222:user/reader",
        "arn:aws:iam::222222222222:role/", "arn:aws:iam::222222222222:role/two words",
        "arn:aws:sts::222222222222:assumed-role/reader/s", "arn:aws:iam::222222222222:role/r\n",
        "arn:aws:iam::222222222222:role/\(String(repeating: "r", count: 2048))",
        "arn:aws:iam::٢٢٢٢٢٢٢٢٢٢٢٢:role/reader",
    ])
    func `what is no role's ARN is refused before anything is sent`(arn: String) async throws {
        let error = try await failure { try IAMRole(arn) }
        #expect(error.kind == .invalid)
        #expect(
            error.description.hasSuffix(
                "is no role's ARN; write arn:aws:iam::ACCOUNT:role/NAME with the account's twelve "
                    + "digits"))
    }
}

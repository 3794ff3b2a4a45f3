import Larder
import Testing

@testable import LarderConsole
@testable import LarderInspector

/// Who asks a gateway, on the screen.
@Suite struct AskersTests {
    private static func report(acceptsUnsigned: Bool = false) -> EngineReport {
        var report = LarderConsoleTests.report()
        var own = GatewayReport.Asker(table: "accounts", identity: "123456789012/operator")
        (own.hits, own.misses, own.joined, own.passed) = (1900, 90, 7, 3)
        own.savedSeconds = 380
        own.agents = ["Boto3/1.44.8", "aws-cli/1.45"]
        var stranger = GatewayReport.Asker(table: nil, identity: nil)
        stranger.refused = 12
        report.gateway = GatewayReport(acceptsUnsigned: acceptsUnsigned, askers: [own, stranger])
        return report
    }

    private func screen(_ columns: Int, _ height: Int, _ report: EngineReport) -> [String] {
        var model = model(columns, height)
        _ = update(&model, look(model, rows, report))
        _ = press(&model, .char("7"))
        return render(model).text
    }

    @Test(arguments: [(80, 24), (120, 40), (200, 60)])
    func `stands in the view of the origins, by table and identity`(columns: Int, height: Int) {
        let text = screen(columns, height, Self.report())
        func line(_ words: String...) -> Bool {
            text.contains { line in words.allSatisfy { line.contains($0) } }
        }
        // A narrow screen cuts the longer headings.
        #expect(line("TABLE", "ASKED", "HITS", "JOINED", "PASSED", "REF"), "\(text)")
        #expect(line("accounts", "2,000", "1,900", "7", "3", "6m20s", "123456789"), "\(text)")
        #expect(line("-", "12", "unknown"))
        #expect(columns < 200 || line("Boto3/1.44.8, aws-cli/1.45"))
        var silent = Self.report()
        silent.gateway?.askers = []
        #expect(screen(columns, height, silent).contains { $0.contains("nobody has asked") })
    }

    @Test func `opens the entries of the table`() {
        var model = model(120, 40)
        _ = update(&model, look(model, rows, Self.report()))
        _ = press(&model, .char("7"))
        let place = OriginsView.stops(model).lastIndex(of: .cache("accounts"))
        #expect(place == 2)
        model.pane.cursor = 2
        _ = press(&model, .enter)
        #expect(model.view == .entries && model.query.caches == ["accounts"])
    }

    @Test func `may be anybody, and the header says so for as long as that is`() {
        #expect(!screen(120, 40, Self.report())[0].contains("UNSIGNED"))
        let open = screen(120, 40, Self.report(acceptsUnsigned: true))
        #expect(open.prefix(3).contains { $0.contains("UNSIGNED OK") }, "\(open.prefix(3))")
    }
}

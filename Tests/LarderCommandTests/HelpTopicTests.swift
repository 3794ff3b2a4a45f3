import ArgumentParser
import Testing

@testable import LarderCommand

@Suite struct `A topic of the help` {
    @Test func `is an article or a section of one, as a terminal shows it`() throws {
        let names = HelpTopic.all.map(\.name)
        #expect(names.starts(with: ["engines", "access", "filters"]))
        #expect(names.suffix(4) == ["keys", "aws", "policies", "promises"])
        #expect(Set(names).count == names.count)
        for topic in HelpTopic.all {
            #expect(topic.text.utf8.count > 200, "\(topic.name)")
            for mark in ["```", "``", "](", "\n#", "\n\n\n", "**", "\n|"] {
                #expect(!topic.text.contains(mark), "\(topic.name) has \(mark.debugDescription)")
            }
            // What is to be typed stays as it is.
            for line in topic.text.split(separator: "\n") where !line.hasPrefix("    ") {
                #expect(line.count <= 100, "\(topic.name): \(line)")
            }
        }
        let filters = try #require(HelpTopic(asked: ["help", "Filters"]))
        #expect(filters.text.hasPrefix("FILTERS\n\n"))
        #expect(!filters.text.contains("\nFAILURES"))
        let keys = try #require(HelpTopic(asked: ["help", "keys"]))
        #expect(keys.text.contains("\n`g` `Home`       Go to the first row"))
        let aws = try #require(HelpTopic(asked: ["help", "aws"]))
        #expect(aws.text.contains("\nkeys\n  honoured: `AWS_ACCESS_KEY_ID`, "))
        let systemd = try #require(HelpTopic(asked: ["help", "systemd"]))
        #expect(systemd.text.contains("\n    [Service]\n    Type=notify-reload\n"))
    }

    @Test(arguments: [
        ["help"], ["filters"], ["help", "filters", "more"], ["help", "entries"], [],
    ])
    func `is asked for by help and its name`(words: [String]) {
        #expect(HelpTopic(asked: words) == nil)
    }

    @Test func `is found where its name is nearly written, and hides no command`() {
        let problem = Suggestion.problem(with: ["help", "filtres"], in: LarderCommand.self)
        #expect(problem?.hasPrefix("there is no command or topic \"filtres\"") == true)
        #expect(problem?.contains("did you mean \"filters\"?") == true)
        let commands = LarderCommand.configuration.subcommands.map { $0._commandName }
        #expect(Set(commands).isDisjoint(with: HelpTopic.all.map(\.name)))
        #expect(Suggestion.problem(with: ["filters"], in: LarderCommand.self) != nil)
    }
}

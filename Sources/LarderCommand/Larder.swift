import ArgumentParser
import Foundation
import LarderAWS
import LarderConsole
import LarderInspector

struct LarderCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "larder",
        abstract: "See into a cache of AWS look-ups, and change it while it runs.",
        discussion: """
            Without a subcommand, larder opens its console on the engine that is running here. \
            Where there is none, on one of its own: with no AWS named that is a demo, invented \
            accounts and credentials under invented traffic. Where output is no terminal there is \
            no demo but a status of 69; larder top has one anywhere.

            Press ? in the console for its keys. larder help TOPIC tells more of \
            \(HelpTopic.all.map(\.name).joined(separator: ", ")).
            """,
        version: "0.1.0",
        subcommands: [
            Top.self, Attach.self, Serve.self, Caches.self, Entries.self, Entry.self, Events.self,
            Stats.self, Memory.self, Origins.self, ForecastCommand.self,
            WhatIfCommand.self, Changes.self, Invalidate.self,
            SetBounds.self, Undo.self, Fetch.self, Verify.self, Check.self,
            DashboardCommand.self, Exec.self, CredentialProcess.self, EnvironmentCommand.self,
        ])

    /// Runs the command and ends the process.
    static func main() async {
        do {
            if let topic = HelpTopic(asked: written) {
                Output.print(topic.text)
                Ending.end(0)
            }
            if let problem = Suggestion.problem(with: written, in: Self.self) {
                say(problem)
                Ending.end(64)
            }
            let words = try Settings.arguments(
                before: written, ProcessInfo.processInfo.environment)
            if let place = try await Attach.place(plainly: words) {
                try await Attach.open(place, Console.Options(actor: .operator))
                Ending.end(0)
            }
            var command = try parseAsRoot(Top.named(in: words))
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
            Ending.end(0)
        } catch let error as Ending {
            error.end()
        } catch let error as SettingError {
            say("\(error)")
            Ending.end(64)
        } catch {
            end(withError: error)
        }
    }

    /// Prints the help that was asked for, or says what is wrong, with nothing of what was written
    /// that would steer a terminal.
    private static func end(withError error: any Error) -> Never {
        let code = exitCode(for: error)
        if code.isSuccess {
            let message = fullMessage(for: error)
            if !message.isEmpty { Output.print(message) }
        } else if LogLines.shared.isInUse {
            say(error is AWSError ? Notes.words(error) : message(for: error))
        } else {
            let message = Dashes.inOneLine(fullMessage(for: error), written)
            let hint = Dashes.hint(message, written).map { "\n" + $0 } ?? ""
            Notes.write(PlainText.lines(message + hint) + "\n")
        }
        Ending.end(code.rawValue)
    }

    /// The command line as it was typed, without settings from elsewhere.
    static let written = arguments()

    /// What was written behind the command's name.
    ///
    /// The standard library finds it on the stack before the environment; a preloaded library that
    /// set a variable first has moved that, and then there seems to be nothing, not even a name.
    private static func arguments() -> [String] {
        if !CommandLine.arguments.isEmpty { return Array(CommandLine.arguments.dropFirst()) }
        let line = (try? String(contentsOfFile: "/proc/self/cmdline", encoding: .utf8)) ?? ""
        return line.split(separator: "\0", omittingEmptySubsequences: false)
            .dropFirst().dropLast().map(String.init)
    }

    /// What the environment held of secrets, taken out of it before anything else is done.
    static let secrets = SecretVariables.take()
}

/// Keys may begin with a dash, and are taken for options.
enum Dashes {
    /// A message in which no word that was written begins a line of its own.
    static func inOneLine(_ message: String, _ written: [String]) -> String {
        written.flatMap { [$0[...]] + $0.split(separator: "=", maxSplits: 1) }
            .filter { $0.unicodeScalars.contains("\n") }
            .reduce(message) { $0.replacing($1, with: PlainText.fit(String($1))) }
    }

    /// How to write one, where a message says that there is no such option, that it has no value, or
    /// that a key is missing though something like one was written.
    static func hint(_ message: String, _ written: [String]) -> String? {
        let isAboutKeys = ["entry", "invalidate", "fetch"].contains(written.first ?? "")
        let isDashed = written.prefix { $0 != "--" }.contains {
            $0.hasPrefix("-") && !$0.hasPrefix("--") && $0.utf8.count > 1
        }
        if isAboutKeys, isDashed || message.contains("Unknown option '-") {
            return "A key that begins with - stands behind all options, with -- before it."
        }
        if message.contains("Unknown option '--target'") {
            return "larder attach NAME looks into a running engine; top has one of its own."
        }
        guard message.contains("Missing value for '") else { return nil }
        if written.contains(where: { $0.hasPrefix("--") && $0.hasSuffix("=") }) {
            return "Nothing stands behind the sign of equality: write a value, or leave the option "
                + "out."
        }
        return "A value that begins with - stands behind a sign of equality: --option=-value."
    }
}

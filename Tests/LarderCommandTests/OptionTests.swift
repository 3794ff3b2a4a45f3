import ArgumentParser
import Foundation
import Larder
import LarderGateway
import TestSupport
import Testing

@testable import LarderCommand

@Suite struct `The command line` {
    @Test(arguments: [
        (["--cache", "acounts:maxsize=1"], "there are accounts, credentials"),
        (["--cache", "accounts:maxsize=0"], "write off if that is meant"),
        (["--cache", "accounts:maxsize=-5"], "a whole number from 1"),
        (["--cache", "accounts:maxsize=9999999999999999999"], "a whole number from 1"),
        (["--cache", "accounts:ttl=300x"], "write it like 300s, 5m, 1h30m"),
        (["--cache", "accounts:ttl=-5s"], "write it like 300s"),
        (["--cache", "accounts:policy=best"], "\"best\" is no policy; lru, fifo, lfu, rr"),
        (["--cache", "accounts:policy=lru,age=none"], "\"lru,age=none\" is no policy"),
        (["--cache", "accounts:maxbytes=64x"], "write it like 512K, 64M or 2G"),
        (["--cache", "accounts:jitter=2"], "write it like 0.1 or 10%"),
        (["--cache", "accounts:jitter=0.1,ttl=none"], "needs a ttl that it can shorten"),
        (["--cache", "accounts:stale=-1s"], "write it like 300s"),
        (["--cache", "accounts:stale=none"], "or off"),
        (["--cache", "accounts:jitter=none"], "or off"),
        (["--failing", "2"], "write it like 0.1 or 10%"),
        (["--failing", "10%", "--table", "t"], "belongs to the embedded origin"),
        (["entries", "--filter", "a && b"], "write \"and\""),
        (["entries", "--filter", "state:fresh"], "write state=fresh"),
        (["--profile", "p", "--latency", "1s"], "belongs to the embedded origin"),
        (["--table", "t", "--key", "id:list"], "NAME:number or NAME:binary"),
        (["--table", "t", "--duration-seconds", "5"], "900 to 43200"),
        (["--table", "t", "--external-id", "a b"], "letters, digits"),
        (["--table", "t", "--tag", "nonsense"], "write KEY=VALUE"),
        (["--table", "t", "--role-session-name", "a b"], "--role-session-name: character 2"),
        (["--table", "t", "--role-session-name", "Jürgen"], "--role-session-name: character 2"),
        (["--table", "t", "--tag", "a=1", "--tag", "A=2"], "keep one of them"),
        (["--table", "t", "--tag", "a=1", "--tag", "a=1"], "keep one of them"),
        (["--table", "t", "--tag", "aws:a=1"], "--tag: keys that begin with aws:"),
        (["--table", "t", "--transitive-tag-key", "a"], "--transitive-tag-key: each has to be"),
        (["--table", "t", "--source-identity", "a"], "--source-identity: it has 1 characters"),
        (["--table", "t", "--policy", "x"], "--policy: it is no JSON object"),
        (["--table", "t", "--policy-arn", "ReadOnlyAccess-of-AWS"], "it is no policy's ARN"),
        (["--table", "t", "--refused-refresh", "ignore"], "serve"),
        (["--table", "t", "--call-deadline", "1ms"], "10ms to 10m"),
        (["--table", "t", "--attempt-deadline", "soon"], "write it like 300s"),
        (["--attempt-deadline", "1s"], "belongs to --origin aws"),
        (["--table", "t", "--follow-roles", "a"], "--follow-roles needs --allow-role PATTERN"),
        (["--table", "t", "--allow-role", "arn:*"], "--allow-role belongs to --follow-roles"),
        (["--table", "t", "--follow-roles", "a", "--allow-role", "*"], "write a pattern of role"),
        (["--follow-roles", "a", "--allow-role", "arn:*"], "belongs to --origin aws"),
        (["fetch", "account", "1", "--dynamodb-json"], "belongs to accounts of a DynamoDB"),
        (["--sort", "bytes"], "\"bytes\" is no order; write one of cache, key, ttl, expiry"),
        (["entries", "--sort", "hits:up"], "\"hits:up\" is no order; write one of cache, key"),
        (["entries", "--columns", "key,bytes"], "\"bytes\" is no column; cache, key, ttl, exp"),
        (["entries", "--columns", "hits:desc"], "is an order, which --sort takes"),
        (["--cache", "accounts:size=3"], "write maxsize=N, maxbytes=SIZE, ttl=DURATION"),
        (["--traffic=-1"], "0 to 100000 look-ups a second"),
        (["--traffic", "nan"], "0 to 100000 look-ups a second"),
        (["--accounts", "0"], "1 to 10000000"),
        (["--latency", "soon"], "write it like 300s"),
        (["--latency", "1h"], "up to 60s"),
        (["serve", "--audit-required"], "name the file with --audit"),
        (["--sort", "colour"], "write one of cache, key, ttl"),
        (["--limit=-1"], "0 or more"),
        (["--format", "xml"], "text"),
        (["--origin", "azure"], "aws"),
        (["--table", "t", "--accounts", "5"], "belongs to the embedded origin"),
        (["--region", "eu-west-1"], "belongs to --origin aws"),
        (["--refresh", "1ms"], "100ms to 60s"),
        (["fetch", "account", ""], "is empty"),
        (["fetch", "account", "1", "--endpoint-url", "http://127.0.0.1:1"], "--table"),
        (["fetch", "account", "1", "--times", "0"], "1 to 1000000"),
        (["fetch", "account", "1", "--parallel", "x"], "parallel"),
    ])
    func `refuses what it cannot use and says what would be accepted`(
        arguments: [String], accepted: String
    ) throws {
        let ran = try run([larder] + arguments)
        #expect(ran.status == 64)
        #expect(ran.errors.contains(accepted), "\(ran.errors)")
        #expect(ran.output.isEmpty)
    }

    @Test(arguments: [[], ["top"], ["fetch"], ["fetch", "account"], ["fetch", "credentials"]])
    func `has help for every command`(command: [String]) throws {
        let ran = try run([larder] + command + ["--help"])
        #expect(ran.status == 0)
        #expect(ran.output.contains("USAGE: larder"))
        #expect(ran.output.split(separator: "\n").allSatisfy { $0.count <= 100 })
    }
}

@Suite struct `Bounds on the command line` {
    @Test func `may be off wherever there may be nothing`() throws {
        let option = try CacheOption(
            parsing: "accounts:maxsize=off,maxbytes=off,ttl=off,jitter=off,stale=off,negative=off")
        let bounds = CacheConfiguration(
            maxsize: 64, ttl: .seconds(300), jitter: 0.1, staleIfError: .seconds(60),
            negativeTTL: .seconds(5))
        let new = option.applied(to: bounds)
        #expect(new.maxsize == 0 && new.maxbytes == 0 && new.ttl == .zero && new.jitter == 0)
        #expect(new.staleIfError == .zero && new.negativeTTL == .zero)
        for words in [["serve", "--grace", "off"], ["top", "--latency", "off"]] {
            #expect(throws: Never.self) { try LarderCommand.parseAsRoot(words) }
        }
    }
}

@Suite struct `One look` {
    private let folder = try! TemporaryFolder()
    private var store: String { folder.path + "/accounts.sqlite" }

    private func look(_ arguments: String...) throws -> String {
        let ran = try run(
            [larder, "top", "--traffic", "0", "--latency", "0s", "--for", "0s", "--warm", "3"]
                + arguments, environment: ["LARDER_STORE": store])
        #expect(ran.status == 0, "\(ran.errors)")
        return ran.output
    }

    @Test func `as JSON says what the engine holds`() throws {
        let text = try look("--format", "json", "--sort", "key")
        let document = try #require(
            try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        let entries = try #require(document["entries"] as? [[String: Any]])
        #expect(
            entries.map { $0["key"] as? String }
                == ["100000000000", "100000000001", "100000000002"])
        #expect(entries.allSatisfy { ((40.0...45.0).contains($0["ttl"] as? Double ?? 0)) })
        let caches = try #require(document["caches"] as? [[String: Any]])
        #expect(caches.map { $0["cache"] as? String } == ["accounts", "credentials"])
        #expect(caches[0]["entries"] as? Int == 3 && caches[0]["maxsize"] as? Int == 64)
    }

    @Test func `as CSV has a row an entry`() throws {
        let lines = try look("--format", "csv", "--sort", "key:desc").split(separator: "\n")
        #expect(
            lines[0] == "cache,key,ttl,expiry,refresh,age,hits,lasthit,size,fetch,fetches,togo,"
                + "version,loads,state,failureKind,failures,refusals,DEMO")
        #expect(lines.count == 4)
        #expect(lines[1].hasPrefix("accounts,100000000002,"))
    }

    @Test func `as text is by itself what a pipe gets, without colour or escapes`() throws {
        let text = try look("--filter", "002")
        #expect(text.contains("accounts     100000000002") && !text.contains("100000000001"))
        #expect(!text.contains("\u{1b}"))
    }
}

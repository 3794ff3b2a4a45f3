// swift-tools-version: 6.2

import PackageDescription

/// `LARDER_PART=core` declares only the engine, the inspector, the console and their tests: no
/// dependency is fetched or built. It is the inner loop, and what the sanitizers run on.
let core = Context.environment["LARDER_PART"] == "core"

/// `LARDER_PART=fuzz` declares in place of all products what `Tests/fuzz` runs, and has our own
/// modules count the ways through them; `fuzz,address` has AddressSanitizer in it.
let fuzz = Context.environment["LARDER_PART"]?.split(separator: ",", maxSplits: 1) ?? []
let fuzzing: [SwiftSetting] =
    fuzz.first == "fuzz"
    ? [.unsafeFlags(["-sanitize=" + (["fuzzer"] + fuzz.dropFirst()).joined(separator: ",")])] : []

/// `LARDER_PART=extension` declares only what the Lambda extension is made of, with the tests of that.
/// A release of it leaves out what would bring all of Foundation with it: a layer has to be small.
let slim = Context.environment["LARDER_PART"] == "extension"

let settings: [SwiftSetting] =
    fuzzing + (slim ? [.define("LARDER_SLIM", .when(configuration: .release))] : []) + [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .treatAllWarnings(as: .error),
        .treatWarning("DeprecatedDeclaration", as: .warning),
    ]

/// Hits are generic calls from other modules: five times the cost without this.
let engine: [SwiftSetting] =
    settings + [.unsafeFlags(["-cross-module-optimization"], .when(configuration: .release))]

/// Released, the program carries Swift's own libraries: to load them one by one would take a third
/// of the time until the console is seen. The others are what those need in their turn.
let standalone: [LinkerSetting] = [
    .unsafeFlags(
        [
            "-static-stdlib", "-lCoreFoundation", "-l_FoundationICU", "-l_FoundationCShims",
            "-l_FoundationCollections",
        ], .when(platforms: [.linux], configuration: .release))
]

/// The layer's program runs where there is nothing but itself, and has in it what it uses alone.
let alone: [LinkerSetting] = [
    .unsafeFlags(
        [
            "-static-executable", "-l_FoundationCShims", "-l_FoundationCollections", "-Xlinker",
            "--gc-sections", "-Xlinker", "--strip-all", "-Xlinker", "--wrap=open", "-Xlinker",
            "--wrap=dladdr",
        ], .when(platforms: [.linux], configuration: .release))
]

/// Who embeds a part of it resolves and builds what that part needs, and nothing else: `traits: []`
/// in a dependency on Larder is the engine, the inspector and the console alone.
let traits: Set<Trait> =
    core
    ? []
    : [
        .trait(name: "AWS", description: "LarderAWS, which asks DynamoDB and STS."),
        .trait(name: "Socket", description: "LarderSocket, by which a process is looked into."),
        .trait(name: "Remote", description: "LarderRemote, which looks into another process."),
        .trait(
            name: "Telemetry", description: "LarderTelemetry, for swift-metrics and for tracing."),
        .trait(
            name: "Command", description: "larder and larder-bench, with the gateway.",
            enabledTraits: ["AWS", "Remote", "Socket"]),
        .default(enabledTraits: ["AWS", "Command", "Remote", "Socket", "Telemetry"]),
    ]

/// Both ends of the socket need these.
let wired: Set<String> = ["Remote", "Socket"]

/// Which package each product of others is from.
let packages = [
    "ArgumentParser": "swift-argument-parser",
    "AsyncHTTPClient": "async-http-client",
    "CoreMetrics": "swift-metrics",
    "Crypto": "swift-crypto",
    "GRDB": "GRDB.swift",
    "HTTPTypes": "swift-http-types",
    "Hummingbird": "hummingbird",
    "HummingbirdCore": "hummingbird",
    "HummingbirdTesting": "hummingbird",
    "InMemoryTracing": "swift-distributed-tracing",
    "Logging": "swift-log",
    "MetricsTestKit": "swift-metrics",
    "NIOCore": "swift-nio",
    "NIOEmbedded": "swift-nio",
    "NIOHTTP1": "swift-nio",
    "NIOPosix": "swift-nio",
    "NIOSSL": "swift-nio-ssl",
    "ServiceLifecycle": "swift-service-lifecycle",
    "Tracing": "swift-distributed-tracing",
    "UnixSignals": "swift-service-lifecycle",
]

/// Products of other packages, which are resolved and built only where one of `traits` is wanted.
func outside(_ products: [String], for traits: Set<String>) -> [Target.Dependency] {
    products.map { .product(name: $0, package: packages[$0]!, condition: .when(traits: traits)) }
}

let package = Package(
    name: "larder",
    products: [
        .library(name: "Larder", targets: ["Larder"]),
        .library(name: "LarderInspector", targets: ["LarderInspector"]),
        .library(name: "LarderConsole", targets: ["LarderConsole"]),
        .library(name: "LarderTesting", targets: ["LarderTesting"]),
    ],
    traits: traits,
    targets: [
        .target(name: "Larder", swiftSettings: engine),
        .target(name: "LarderInspector", dependencies: ["Larder"], swiftSettings: engine),
        .target(name: "LarderTesting", dependencies: ["Larder"], swiftSettings: settings),
        .systemLibrary(name: "CNcurses", providers: [.apt(["libncurses-dev"])]),
        .target(
            name: "LarderConsole", dependencies: ["LarderInspector", "CNcurses"],
            swiftSettings: settings),
        .target(
            name: "TestSupport", dependencies: ["Larder"], path: "Tests/TestSupport",
            swiftSettings: settings),
        .testTarget(
            name: "LarderTests", dependencies: ["Larder", "LarderTesting", "TestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "LarderInspectorTests",
            dependencies: ["LarderInspector", "LarderTesting", "TestSupport"],
            swiftSettings: settings),
        .executableTarget(
            name: "ConsoleHost", dependencies: ["Larder", "LarderConsole", "LarderInspector"],
            path: "Tests/Hosting", swiftSettings: settings),
        .testTarget(
            name: "LarderConsoleTests",
            dependencies: [
                "ConsoleHost", "LarderConsole", "CNcurses", "LarderTesting", "TestSupport",
            ],
            exclude: ["Screens"], swiftSettings: settings),
    ],
    swiftLanguageModes: [.v6]
)

if !core {
    package.dependencies += [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(
            url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1",
            traits: []),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.3"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
    ]
    package.products += [
        .library(name: "LarderAWS", targets: ["LarderAWS"]),
        .library(name: "LarderSocket", targets: ["LarderSocket"]),
        .library(name: "LarderRemote", targets: ["LarderRemote"]),
        .library(name: "LarderTelemetry", targets: ["LarderTelemetry"]),
        .library(name: "LarderWire", targets: ["LarderWire"]),
        .executable(name: "larder", targets: ["LarderCommand"]),
        .executable(name: "larder-extension", targets: ["LarderExtension"]),
        .executable(name: "larder-bench", targets: ["LarderBenchmarks"]),
    ]
    package.targets += [
        .systemLibrary(name: "CMemfd"),
        .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CExpat", providers: [.apt(["libexpat1-dev"])]),
        .systemLibrary(name: "CYAML", providers: [.apt(["libyaml-dev"])]),
        .target(
            name: "LarderAWS",
            dependencies: ["Larder", "LarderInspector", "CExpat", "CMemfd", "CZlib"]
                + outside(
                    [
                        "Crypto", "AsyncHTTPClient", "NIOCore", "NIOHTTP1", "NIOPosix", "NIOSSL",
                        "Logging",
                    ], for: ["AWS"]), swiftSettings: settings),
        .target(
            name: "LarderWire",
            dependencies: ["Larder", "LarderInspector"]
                + outside(["NIOCore", "NIOPosix"], for: wired), swiftSettings: settings),
        .target(
            name: "LarderRemote",
            dependencies: ["Larder", "LarderInspector", "LarderWire"]
                + outside(["AsyncHTTPClient"], for: ["Remote"])
                + outside(["NIOCore", "NIOHTTP1"], for: wired), swiftSettings: settings),
        // What both listeners need.
        .target(
            name: "LarderServing",
            dependencies: outside(["HummingbirdCore", "Logging", "NIOCore"], for: ["Socket"]),
            swiftSettings: settings),
        .target(
            name: "LarderSocket",
            dependencies: ["Larder", "LarderInspector", "LarderServing", "LarderWire"]
                + outside(
                    ["Hummingbird", "HTTPTypes", "ServiceLifecycle", "Logging"], for: ["Socket"])
                + outside(["NIOCore", "NIOHTTP1"], for: wired), swiftSettings: settings),
        .testTarget(
            name: "LarderSocketTests",
            dependencies: [
                "LarderRemote", "LarderServing", "LarderSocket", "LarderTesting", "LarderWire",
                "TestSupport",
            ]
                + outside(
                    [
                        "HTTPTypes", "HummingbirdCore", "Logging", "NIOCore", "NIOEmbedded",
                        "ServiceLifecycle",
                    ], for: ["Socket"]),
            swiftSettings: settings),
        .target(
            name: "LarderTelemetry",
            dependencies: ["Larder", "LarderInspector"]
                + outside(["CoreMetrics", "Tracing", "ServiceLifecycle"], for: ["Telemetry"]),
            swiftSettings: settings),
        .testTarget(
            name: "LarderTelemetryTests",
            dependencies: [
                "Larder", "LarderInspector", "LarderTelemetry", "LarderTesting", "TestSupport",
            ]
                + outside(
                    [
                        "MetricsTestKit", "CoreMetrics", "InMemoryTracing", "Tracing",
                        "ServiceLifecycle",
                    ], for: ["Telemetry"]), swiftSettings: settings),
        .target(
            name: "LarderEmbedded",
            dependencies: ["Larder", "LarderInspector"] + outside(["GRDB"], for: ["Command"]),
            swiftSettings: settings),
        .target(
            name: "LarderGateway",
            dependencies: [
                "Larder", "LarderInspector", "LarderAWS", "LarderServing", "CYAML", "CZlib",
            ]
                + outside(
                    [
                        "Crypto", "Hummingbird", "HTTPTypes", "ServiceLifecycle", "Logging",
                        "NIOCore",
                    ], for: ["Command"]), swiftSettings: settings),
        .testTarget(
            name: "LarderGatewayTests",
            dependencies: ["LarderGateway", "LarderTesting", "TestSupport"]
                + outside(
                    ["HummingbirdCore", "HTTPTypes", "NIOCore", "ServiceLifecycle", "Logging"],
                    for: ["Command"]), swiftSettings: settings),
        .executableTarget(
            name: "LarderCommand",
            dependencies: [
                "CGlibc", "CMemfd", "Larder", "LarderInspector", "LarderConsole", "LarderAWS",
                "LarderEmbedded", "LarderGateway", "LarderRemote", "LarderSocket", "LarderWire",
            ]
                + outside(
                    ["ArgumentParser", "ServiceLifecycle", "UnixSignals", "Logging"],
                    for: ["Command"]),
            // The articles, by links, for `larder help TOPIC`.
            resources: [.embedInCode("Topics")], swiftSettings: settings,
            linkerSettings: standalone),
        .executableTarget(
            name: "LarderExtension",
            dependencies: [
                "CGlibc", "CMemfd", "Larder", "LarderInspector", "LarderAWS", "LarderGateway",
            ]
                + outside(
                    [
                        "AsyncHTTPClient", "HummingbirdCore", "HTTPTypes", "Logging", "NIOCore",
                        "NIOHTTP1",
                    ], for: ["Command"]), exclude: ["larder-wrapper"], swiftSettings: settings,
            linkerSettings: slim ? alone : standalone),
        .testTarget(
            name: "LarderExtensionTests",
            dependencies: ["Bootstrap", "LarderExtension", "LarderTesting", "TestSupport"]
                + outside(
                    ["AsyncHTTPClient", "HummingbirdCore", "HTTPTypes", "Logging", "NIOCore"],
                    for: ["Command"]), swiftSettings: settings),
        // A function on a runtime of its own, with the engine in it.
        .executableTarget(
            name: "Bootstrap",
            dependencies: ["Larder"]
                + outside(["AsyncHTTPClient", "NIOCore", "NIOHTTP1"], for: ["Command"]),
            path: "Tests/CustomRuntime", swiftSettings: settings),
        .systemLibrary(name: "CGlibc"),
        // It sees the engine as another package does: the public face and nothing else.
        .executableTarget(
            name: "LarderBenchmarks",
            dependencies: [
                "CGlibc", "Larder", "LarderAWS", "LarderInspector", "LarderConsole", "LarderSocket",
                "LarderWire",
            ]
                + outside(
                    ["ArgumentParser", "Hummingbird", "HTTPTypes", "Logging", "NIOCore"],
                    for: ["Command"]), packageAccess: false, swiftSettings: settings),
        .testTarget(
            name: "LarderAWSTests",
            dependencies: ["LarderAWS", "LarderTesting", "TestSupport"]
                + outside(["Logging"], for: ["AWS"]), swiftSettings: settings),
        .testTarget(
            name: "LarderEmbeddedTests",
            dependencies: ["LarderEmbedded", "LarderTesting", "TestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "LarderCommandTests",
            dependencies: ["LarderCommand", "LarderGateway", "LarderTesting", "TestSupport"],
            swiftSettings: settings),
        .executableTarget(
            name: "Greeter",
            dependencies: ["Larder", "LarderInspector", "LarderSocket"]
                + outside(["ServiceLifecycle", "UnixSignals", "Logging"], for: ["Socket"]),
            path: "Tests/Embedding", swiftSettings: settings),
        .testTarget(
            name: "EndToEnd",
            dependencies: ["Greeter", "LarderCommand", "LarderTesting", "TestSupport"],
            swiftSettings: settings),
        // What the articles of the .docc folders show.
        .testTarget(
            name: "Snippets",
            dependencies: [
                "Larder", "LarderAWS", "LarderInspector", "LarderSocket", "LarderTelemetry",
                "LarderTesting", "LarderWire", "TestSupport",
            ]
                + outside(
                    [
                        "HTTPTypes", "Hummingbird", "HummingbirdTesting", "Logging", "NIOCore",
                        "ServiceLifecycle", "UnixSignals",
                    ], for: ["Socket"]), swiftSettings: settings),
        .testTarget(
            name: "Siege", dependencies: ["LarderCommand", "LarderTesting", "TestSupport"],
            swiftSettings: settings),
    ]
}

if slim {
    // These, and what they need.
    var wanted: Set = [
        "Bootstrap", "LarderAWSTests", "LarderExtension", "LarderExtensionTests",
        "LarderGatewayTests", "LarderInspectorTests",
    ]
    var known = 0
    while known < wanted.count {
        known = wanted.count
        for target in package.targets where wanted.contains(target.name) {
            for case .byNameItem(let name, _) in target.dependencies { wanted.insert(name) }
        }
    }
    package.targets.removeAll { !wanted.contains($0.name) }
    package.products = [.executable(name: "larder-extension", targets: ["LarderExtension"])]
}

if !fuzzing.isEmpty {
    package.products = [
        .library(name: "LarderFuzzing", type: .dynamic, targets: ["LarderFuzzing"])
    ]
    package.targets.append(
        .target(
            name: "LarderFuzzing", dependencies: ["LarderInspector", "LarderAWS", "LarderWire"],
            path: "Tests/Fuzzing", exclude: ["Corpus"], swiftSettings: settings))
}

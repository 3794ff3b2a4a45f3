// swift-tools-version: 6.2

import PackageDescription

// A package of somebody who embeds Larder: it sees what is public and nothing else, and resolves no
// other package. What is written here is what one would write from the documentation.
let package = Package(
    name: "embedder",
    dependencies: [.package(name: "larder", path: "../..", traits: [])],
    targets: [
        .testTarget(
            name: "Embedder",
            dependencies: [
                .product(name: "Larder", package: "larder"),
                .product(name: "LarderInspector", package: "larder"),
                .product(name: "LarderTesting", package: "larder"),
            ],
            path: "Tests",
            swiftSettings: [.treatAllWarnings(as: .error)])
    ]
)

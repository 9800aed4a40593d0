// swift-tools-version:5.9
import PackageDescription

let package = Package(
    name: "Keyledger",
    platforms: [.iOS(.v15), .macOS(.v12)],
    products: [
        .library(name: "Keyledger", targets: ["Keyledger"]),
        .executable(name: "keyledger-login", targets: ["KeyledgerLogin"]),
    ],
    targets: [
        .target(name: "Keyledger"),
        .executableTarget(name: "KeyledgerLogin", dependencies: ["Keyledger"]),
    ]
)

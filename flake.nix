{
  description = "fiel: GitOps for Kubernetes, what is in Git is what runs in the cluster";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs =
    { self, nixpkgs }:
    let
      systems = [
        "x86_64-linux"
        "aarch64-linux"
        "x86_64-darwin"
        "aarch64-darwin"
      ];
      forEach = make: nixpkgs.lib.genAttrs systems (system: make nixpkgs.legacyPackages.${system});
      manifest = builtins.fromTOML (builtins.readFile ./Cargo.toml);
      # One package of the workspace. Its tests are `cargo xtask ci`'s business: some start programs and open ports.
      package =
        pkgs: name: program:
        pkgs.rustPlatform.buildRustPackage {
          pname = program;
          version = manifest.workspace.package.version;
          src = self;
          cargoLock.lockFile = ./Cargo.lock;
          cargoBuildFlags = [
            "--package"
            name
          ];
          doCheck = false;
          env.FIEL_COMMIT = self.rev or "unknown";
          meta = {
            description = "Part of fiel, GitOps for Kubernetes";
            license = pkgs.lib.licenses.asl20;
            mainProgram = program;
          };
        };
    in
    {
      packages = forEach (pkgs: rec {
        fiel = package pkgs "fiel-cli" "fiel";
        server = package pkgs "fiel-server" "fiel-server";
        default = fiel;
      });

      # All that `cargo xtask ci` needs, and what it compares with where it is there.
      devShells = forEach (pkgs: {
        default = pkgs.mkShell {
          packages = [
            pkgs.cargo
            pkgs.clippy
            pkgs.rustc
            pkgs.rustfmt
            pkgs.git
            pkgs.kind
            pkgs.kubectl
            pkgs.kustomize
            pkgs.nix
            pkgs.nodejs
            (pkgs.python3.withPackages (python: [ python.pyyaml ]))
          ];
        };
      });
    };
}

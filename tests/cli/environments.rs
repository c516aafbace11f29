//! Parameters, `--set`, `--env`, and which environments are judged.

use super::Shell;

const POLICY: &str = "param domain\nparam methods = GET\n\nnamespace shop {\n    workload web {\n        select app=web\n        ports 8080 http\n    \
                      \x20   allow anyone to method ${methods} host ${domain}\n    }\n}\n";

fn shell(manifest: &str) -> Shell {
    let shell = Shell::new();
    shell.file("mesh.toml", format!("target = \"istio-1.31\"\n{manifest}"));
    shell.file("policy.mesh", POLICY);
    shell
}

#[test]
fn build_wants_a_value_for_every_parameter() {
    let shell = shell("");
    let ran = shell.run(["build"]).found();
    ran.says("policy.mesh:1:7").says("`domain`").says("--set domain=VALUE");
    shell
        .run(["build", "--set", "domain=a.example"])
        .clean()
        .prints("a.example");
}

#[test]
fn set_takes_what_the_grammar_takes() {
    let shell = shell("");
    let build = |set: &str| shell.run(["build", "--set", "domain=a.example", "--set", set]);
    build("methods=POST").clean().prints("POST");
    build("methods=[POST, PUT]").clean().prints("POST").prints("PUT");
    build("methods=\"POST\"").clean().prints("POST");
    build("domain=b.example").clean().prints("b.example");
    build("nothing=1").found().says("declares no parameter `nothing`");
    build("domian=1").found().says("fix: write `domain`");
    build("methods=[]").found().says("--set:1:");
    build("methods=a?b").found().says("--set:1:");
    build("methods=").found();
    build("methods").could_not_run().says("PARAM=VALUE");
    build("methods=GET namespace x {}").could_not_run();
    build("methods=${domain}").could_not_run().says("plain values");
    build("methods=\"\\*\"").could_not_run().says("plain values");
}

#[test]
fn an_environment_gives_values_and_files() {
    let shell = shell("[env.prod]\ndomain = \"prod.example\"\nmethods = [\"PUT\", \"POST\"]\n");
    shell.file("env/dev/extra.mesh", "namespace extra {\n    default deny\n}\n");
    let prod = shell.run(["build", "--env", "prod"]).clean();
    let prod = prod.prints("prod.example").prints("PUT");
    assert!(!prod.out.contains("extra"));
    let dev = shell
        .run(["build", "--env", "dev", "--set", "domain=dev.example"])
        .clean();
    dev.prints("dev.example").prints("namespace: extra");
    let prod = shell
        .run(["build", "--env", "prod", "--set", "domain=other.example"])
        .clean();
    assert!(!prod.out.contains("prod.example"));
    shell.run(["build"]).found().says("--env NAME");
    shell
        .run(["build", "--env", "prdo"])
        .could_not_run()
        .says("`dev`, `prod`");
    shell.run(["check", "--env", "prdo"]).could_not_run();
}

#[test]
fn check_judges_every_environment() {
    let shell = shell("[env.prod]\ndomain = \"prod.example\"\n[env.dev]\nmethods = true\n");
    let ran = shell.run(["check"]).found();
    ran.says("`domain`").says("only in environment `dev`").says("1 error");
    let ran = shell.run(["check", "--env", "prod"]).clean();
    ran.says("ok: 1 object in environment prod for istio-1.31");
    let ran = shell.run(["check", "--set", "domain=x.example"]).clean();
    ran.says("1 object without an environment, 1 object in environment dev, 1 object in environment prod");
}

#[test]
fn values_in_the_manifest_give_their_text() {
    let shell = shell("[env.a]\ndomain = 42\n[env.b]\ndomain = true\n[env.c]\ndomain = \"on\"\n");
    for (env, text) in [("a", "\"42\""), ("b", "\"true\""), ("c", "\"on\"")] {
        shell.run(["build", "--env", env]).clean().prints(text);
    }
}

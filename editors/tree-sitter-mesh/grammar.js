/**
 * The Mesh language, after `spec/grammar.md`.
 *
 * A keyword is a keyword only where one may stand; in the place of a value every word is a value.
 * What the compiler refuses for its meaning is read here all the same: an editor colours unfinished text.
 */
/// <reference types="tree-sitter-cli/dsl" />
// @ts-check

const list = (rule) => seq(rule, repeat(seq(',', rule)));
const braces = (rule) => seq('{', repeat(rule), '}');

const SINGLE_FACTS = [
  'account', 'dataplane', 'use-waypoint', 'trusted-proxies', 'root', 'domain', 'trust-domain', 'workload-label',
  'normalization', 'auto-mtls', 'client-tls',
];
const FIELDS = ['method', 'path', 'path-regex', 'grpc', 'host', 'authority', 'port', 'sni', 'dest-ip'];
const CALLERS = ['sa', 'ns', 'principal', 'trust-domain', 'request-principal', 'peer-ip', 'client-ip'];
const TLS_SETTINGS = ['client-certificate', 'private-key', 'ca-certificates', 'crl', 'credential', 'sni'];
const ISSUER_SETTINGS = ['iss', 'jwks-uri', 'jwks', 'payload-header', 'timeout', 'presence'];

module.exports = grammar({
  name: 'mesh',

  word: ($) => $.word,

  extras: ($) => [/\s/, $.suppression, $.doc_comment, $.comment],

  supertypes: ($) => [$._item, $._value],

  rules: {
    file: ($) => repeat($._item),

    suppression: () => token(prec(2, seq('#', /[ \t]*meshc:[^\n]*/))),
    doc_comment: () => token(prec(1, /##[^\n]*/)),
    comment: () => token(/#[^\n]*/),

    _item: ($) =>
      choice(
        $.use, $.param, $.issuer, $.identity, $.operation, $.template, $.apply, $.mesh, $.namespace, $.scope, $.object,
        $.fact, $.rule, $.destination, $.metadata, $.legacy, $.invariant, $.test, $.client_test,
      ),

    use: ($) => seq('use', field('path', $._value), '(', list($.import), ')'),
    import: ($) => seq(field('name', $.name), optional(seq('as', field('alias', $.name)))),

    param: ($) => seq('param', field('name', $.name), optional(seq('=', field('default', $._argument)))),
    _argument: ($) => choice($._value, $.list),
    list: ($) => seq('[', optional(list($._value)), ']'),

    arguments: ($) => seq('(', list(seq(field('name', $.name), ':', field('value', $._argument))), ')'),
    parameters: ($) => seq('(', list($.parameter), ')'),
    parameter: ($) =>
      seq(
        choice(
          seq(optional(field('kind', $._kind)), field('name', $.name)),
          field('name', alias($._kind, $.name)),
        ),
        optional(seq('=', field('default', $._argument))),
      ),
    _kind: () => choice('identity', 'operation', 'issuer'),

    issuer: ($) =>
      seq(
        'issuer', field('name', $.name), optional($.parameters),
        optional(seq('=', field('base', $.reference), optional($.arguments))),
        optional(field('body', $.issuer_block)),
      ),
    issuer_block: ($) => braces($.issuer_item),
    issuer_item: ($) =>
      choice(
        ...ISSUER_SETTINGS.map((word) => seq(word, $._value)),
        seq('audiences', list($._value)),
        seq('from', list($.token_place)),
        'forward',
        seq('claims', list(seq($.claim, field('type', choice('string', 'list', 'words', 'bool', 'number'))))),
        seq('claim-headers', repeat1($.pair)),
      ),
    token_place: ($) =>
      choice(
        seq('header', $._value, optional(field('prefix', $.string))),
        seq(choice('param', 'cookie'), $._value),
      ),

    identity: ($) => seq('identity', field('name', $.name), '=', $.who),
    operation: ($) => seq('operation', field('name', $.name), '=', $.what, optional($.when)),
    template: ($) => seq('template', field('name', $.name), optional($.parameters), field('body', $.block)),
    apply: ($) => seq('apply', field('template', $.reference), optional($.arguments)),

    mesh: ($) => seq('mesh', field('body', $.block)),
    namespace: ($) => seq('namespace', field('name', $._value), field('body', $.block)),
    scope: ($) => seq(list($.target), field('body', $.block)),
    target: ($) =>
      seq(
        field('kind', choice('workload', 'service', 'service-entry', 'gateway', 'waypoint')),
        field('name', $._value),
      ),
    object: ($) => seq('object', field('name', $._value), field('body', $.block)),
    block: ($) => braces($._item),

    metadata: ($) => seq('metadata', choice('label', 'annotation'), repeat1($.pair)),
    legacy: ($) =>
      seq('legacy', choice('peer-optional', 'allow-tls', 'bind-peer', seq('peer-token', list($.reference)))),

    fact: ($) =>
      choice(
        seq('select', repeat1($.pair)),
        seq('ports', list($.port)),
        seq('service', field('service', $._value), optional(list($._value)), optional('headless')),
        seq('provider', $._value, choice('http', 'grpc'), optional('fail-open')),
        seq(choice('aliases', 'trusts'), list($._value)),
        ...SINGLE_FACTS.map((word) => seq(word, $._value)),
      ),
    port: ($) =>
      seq($._value, field('protocol', choice('http', 'tcp', 'tls', 'https', 'https-mutual', 'unproxied'))),
    pair: ($) => seq(field('key', $._value), '=', field('value', $._value)),

    rule: ($) =>
      seq(
        choice(
          seq(optional('dry-run'), field('action', choice('allow', 'deny', 'audit')), $._body),
          seq(field('action', 'ask'), field('provider', $._value), 'about', $._body),
          seq(optional('dry-run'), field('action', 'default'), 'deny'),
          seq(field('action', 'mtls'), field('mode', $._value), optional($.on_ports)),
          seq(field('action', 'accept'), list($.reference), optional(seq('on', $.what))),
          seq(field('action', 'require'), list($.reference), optional(seq(choice('on', 'except'), $.what))),
        ),
        optional($.as),
      ),
    _body: ($) => seq($.who, 'to', $.what, optional($.when), optional(seq('including', 'tcp'))),
    as: ($) => seq('as', $._value),
    on_ports: ($) => seq('on', 'port', list($._value)),

    who: ($) => seq($._caller, repeat(seq(choice('or', 'except', '&', 'via', 'from'), $._caller))),
    _caller: ($) =>
      choice(
        'anyone', 'any-peer', 'outsider',
        $.token_caller,
        list($.reference),
        seq('(', $.who, ')'),
        $.callers,
      ),
    token_caller: ($) =>
      prec.right(
        choice(
          seq('token', optional($._where)),
          seq($.reference, $._where),
        ),
      ),
    _where: ($) => seq('where', $.claim_test, repeat(seq('and', $.claim_test))),
    callers: ($) =>
      prec.right(
        seq(
          field('kind', choice(...CALLERS)), list($._value),
          optional(seq('of', list($._value))),
        ),
      ),

    what: ($) => seq($._terms, repeat(seq(choice('or', 'except'), $._terms))),
    _terms: ($) => choice('any', repeat1($._term)),
    _term: ($) => prec.right(choice(list($.bare), seq('(', $.what, ')'), $.field)),
    bare: ($) => $._value,
    field: ($) => prec.right(seq(field('name', choice(...FIELDS)), list($._value))),

    when: ($) => seq('when', $.condition),
    condition: ($) => seq($._test, repeat(seq(choice('and', 'or'), $._test))),
    _test: ($) => choice($.header_test, seq('(', $.condition, ')')),
    header_test: ($) =>
      seq(choice(seq('header', $.key), seq('filter', $.key, $.key)), $._comparison),
    claim_test: ($) => seq($.claim, $._comparison),
    claim: ($) => seq($._value, repeat($.key)),
    key: ($) => seq('[', $._value, ']'),
    _comparison: ($) =>
      choice(seq(choice('=', '!=', 'has', 'lacks'), list($._value)), 'present', 'absent'),

    destination: ($) => seq('destination', field('host', $._value), optional($.as), field('body', $.destination_block)),
    destination_block: ($) =>
      braces(
        choice(
          $.tls, $.subset, $.metadata,
          seq('export-to', list($._value)),
          seq('clients', repeat1($.pair)),
        ),
      ),
    subset: ($) => seq('subset', field('name', $._value), field('body', $.subset_block)),
    subset_block: ($) => braces(choice(seq('select', repeat1($.pair)), $.tls)),
    tls: ($) => seq('tls', field('mode', $._value), optional($.on_ports), optional(field('body', $.tls_block))),
    tls_block: ($) =>
      braces(choice(...TLS_SETTINGS.map((word) => seq(word, $._value)), seq('san', list($._value)), 'skip-verify')),

    invariant: ($) =>
      seq(field('claim', choice('never', 'always')), $.who, 'to', $.what, optional($.when), 'at', list($._value)),

    test: ($) =>
      seq('test', field('name', $.string), 'at', optional('pod'), field('place', $._value), field('body', $.test_block)),
    test_block: ($) => braces($.expectation),
    expectation: ($) =>
      seq($.who, optional(seq('with', repeat1($._extra))), 'to', $.what, 'expect', field('outcome', $._value)),
    _extra: ($) =>
      choice(
        seq('token', $.string),
        prec.right(seq('token', $.reference, optional(choice('expired', 'forged')), optional($.json_object))),
        seq('header', $.key, '=', $._value),
        seq('answer', $._value, choice('allow', 'deny')),
        'dry-run',
        'with',
      ),
    client_test: ($) =>
      seq('test', field('name', $.string), 'from', field('place', $._value), field('body', $.client_test_block)),
    client_test_block: ($) => braces($.client_expectation),
    client_expectation: ($) =>
      seq('to', 'host', $._value, optional(seq('port', $._value)), 'expect', field('outcome', $._value)),

    json_object: ($) => seq('{', optional(list($.json_member)), '}'),
    json_member: ($) => seq(field('key', $._value), ':', field('value', $._json)),
    _json: ($) => choice($._value, $.json_object, $.json_array),
    json_array: ($) => seq('[', optional(list($._json)), ']'),

    name: ($) => $.word,
    reference: ($) => $.word,
    _value: ($) => choice($.word, $.string, $.raw_string, $.parameter_value),

    // A colon belongs to a word between its characters, or doubled.
    word: () => /(::)?([A-Za-z0-9_.\/*-]|\{\*\*?\})+((::?)([A-Za-z0-9_.\/*-]|\{\*\*?\})+)*(::)?|::/,
    parameter_value: ($) => seq('${', field('name', $.name), '}'),
    string: ($) =>
      seq(
        '"',
        repeat(choice($._text, $.escape, $.interpolation)),
        token.immediate('"'),
      ),
    _text: () => token.immediate(prec(1, /[^"\\$\n]+|\$/)),
    escape: () => token.immediate(prec(2, /\\(u[0-9A-Fa-f]{4}|[^u\n])|\$\$\{/)),
    interpolation: ($) => seq(token.immediate(prec(2, '${')), field('name', $.name), '}'),
    raw_string: () => token(prec(3, seq('"""', /([^"]|"[^"]|""[^"])*/, '"""'))),
  },
});

import type { GeneratorConfig, RotationConfig, TargetConfig } from './config.ts'
import type { Shape } from './settings.ts'

type RotationShape = Shape & {
  readonly description: string
  /** The section makes no sense without it. */
  readonly needed?: true
}

type Kind = GeneratorConfig | TargetConfig
type ShapesOf<Section> = { readonly [member in Exclude<keyof Required<Section>, 'kind'>]: RotationShape }
type KindsOf<Sections extends Kind> = { readonly [kind in Sections['kind']]: ShapesOf<Extract<Sections, { readonly kind: kind }>> }

/** What is said of one rotation; its generator and its target have sections of their own. */
export const rotationShapes: ShapesOf<Omit<RotationConfig, 'generate' | 'target'>> = {
  every: { kind: 'text', description: 'how old it may become, such as 30d or 12h; without it only rotate NAME rotates it' },
  graceSeconds: { kind: 'count', description: 'how long the former value still works, where the target keeps it; 0 by default' },
  whenUnused: { kind: 'switch', description: 'wait until the former value is unused; needs usage marks' },
}

export const generatorKinds: KindsOf<GeneratorConfig> = {
  token: {
    bytes: { kind: 'count', description: 'random bytes, 16 or more; 32 by default' },
    encoding: { kind: 'choice', words: ['base64url', 'hex'], description: 'base64url by default' },
  },
  password: {
    length: { kind: 'count', description: '32 by default' },
    classes: { kind: 'list', words: ['lower', 'upper', 'digit', 'symbol'], description: 'each occurs; lower, upper, digit by default' },
    symbols: { kind: 'text', description: 'the characters of the class symbol' },
    exclude: { kind: 'text', description: 'characters that must not occur' },
  },
  uuid: {},
  keyPair: {
    type: { kind: 'choice', words: ['ed25519', 'ec', 'rsa'], description: 'ed25519 by default' },
    modulusLength: { kind: 'count', description: 'bits of an RSA key: 2048, 3072 or 4096; 3072 by default' },
    format: { kind: 'choice', words: ['pem', 'jwk'], description: 'pem by default' },
  },
}

const caFile: RotationShape = { kind: 'path', description: 'the authority of its certificate, relative to this file' }
const administrator: RotationShape = { kind: 'text', description: 'the user that changes passwords', needed: true }
const password: RotationShape = { kind: 'credential', description: 'where its password is', needed: true }

export const targetKinds: KindsOf<TargetConfig> = {
  none: {},
  postgres: {
    host: { kind: 'text', description: 'the server', needed: true },
    port: { kind: 'count', description: '5432 by default' },
    database: { kind: 'text', description: 'one for all rotators, since their lock is its', needed: true },
    tls: { kind: 'switch', description: 'true by default' },
    caFile,
    administrator,
    password,
    role: { kind: 'text', description: 'the role whose password changes' },
    users: { kind: 'texts', description: 'two roles that alternate, instead of role' },
    owner: { kind: 'text', description: 'the role that both users become' },
  },
  redis: {
    urls: { kind: 'texts', description: 'every node, such as rediss://cache-1.example:6380, without a password', needed: true },
    caFile,
    administrator,
    password,
    user: { kind: 'text', description: 'the ACL user whose password changes', needed: true },
  },
  signingKeys: {
    algorithm: { kind: 'choice', words: ['EdDSA', 'ES256', 'RS256'], description: 'of new keys; EdDSA by default' },
    former: { kind: 'count', description: 'how many former keys still verify; 1 by default' },
  },
}

/** Sections by their kind, for the parser and the JSON schema. */
export type Kinds = Readonly<Record<string, Readonly<Record<string, RotationShape>>>>

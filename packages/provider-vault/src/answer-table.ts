import type { SecretsErrorCode } from '@finchat/secrets-core'
import { isObject, member, says, type VaultAnswer } from './answer.ts'

/** What was asked: a write may have been done though its answer says nothing of it, and a login's refusal is the credential's. */
export type CallKind = 'read' | 'write' | 'login'

/** What an answer means. */
export interface Meaning {
  readonly code: SecretsErrorCode
  readonly problem: string
  readonly remedy?: string
  /** `read`: a read may be asked again at once. `all`: so may everything else, for the server says that it did nothing. */
  readonly again?: 'read' | 'all'
  /** A write may have been done. */
  readonly isOpen?: true
}

interface Row {
  readonly status: readonly number[] | ((status: number) => boolean)
  readonly when?: (answer: VaultAnswer) => boolean
  readonly calls?: readonly CallKind[]
  /** `answer`: no error, but what was asked for, or that it does not exist. */
  readonly is: Meaning | 'answer'
}

const reachVault = 'point `url` at Vault itself, or at what passes its answers on unchanged'
const notVaults = (code: SecretsErrorCode): Meaning => ({ code, problem: 'the answer is not one of Vault', remedy: reachVault })
const outage = (problem: string, remedy: string): Meaning => ({ code: 'UNAVAILABLE', problem, remedy })
const behind = (problem: string): Meaning => ({ ...outage(problem, 'try again'), again: 'all' })
const broken = (problem: string): Meaning => ({ ...outage(problem, 'see the log of the server'), again: 'read', isOpen: true })

const deleted: Meaning = { code: 'DELETED', problem: 'the secret was deleted', remedy: 'restore it, or write a new version' }
const destroyed: Meaning = { code: 'DELETED', problem: 'the version was destroyed', remedy: 'write a new one' }
const refused: Meaning = { code: 'UNAUTHENTICATED', problem: 'Vault refused the credential', remedy: 'give a valid one' }

/** Each row as measured on OpenBao 2.7, and where they speak of it as Vault's documents say; the first that fits counts. */
const table: readonly Row[] = [
  { status: [200], when: isVaults, is: 'answer' },
  { status: [204], is: 'answer' },
  { status: (status) => status < 300, is: { ...notVaults('INTERNAL'), isOpen: true } },

  { status: [307], is: { ...behind('the node that answers sends on to another, the leader or one that was'), again: 'read' } },
  {
    status: (status) => status < 400,
    is: { code: 'CONFIGURATION', problem: 'the server redirects, which is not followed with a token', remedy: reachVault },
  },

  { status: [400], calls: ['login'], is: refused },
  {
    status: [400],
    when: (answer) => answer.text.includes('HTTPS server'),
    is: { code: 'CONFIGURATION', problem: 'the server speaks https', remedy: 'write https:// in `url`' },
  },
  {
    status: [400],
    when: (answer) => says(answer, 'errors', 'Upgrading from non-versioned'),
    is: outage('the mount is being upgraded to versions', 'wait until it is done'),
  },
  {
    status: [400],
    when: isCasMismatch,
    is: { code: 'VERSION_CONFLICT', problem: 'another version is current', remedy: 'read it, and decide anew' },
  },
  {
    status: [400],
    when: isCasRequired,
    is: { code: 'CONFIGURATION', problem: 'the mount takes no write without a version', remedy: 'write with a version' },
  },
  {
    status: [400],
    when: isVaults,
    is: { code: 'INVALID_ARGUMENT', problem: 'Vault refused the request', remedy: 'check the path, the value and the tags' },
  },
  {
    status: [400],
    when: (answer) => answer.text === '',
    is: { code: 'INVALID_ARGUMENT', problem: 'Vault refused the path', remedy: 'use printable characters only' },
  },
  { status: [400], is: notVaults('CONFIGURATION') },

  { status: [401], is: refused },
  { status: [403], calls: ['login'], when: isVaults, is: refused },
  {
    status: [403],
    when: isVaults,
    is: { code: 'PERMISSION_DENIED', problem: "the token's policies do not allow it", remedy: 'allow it, or route the name away' },
  },
  { status: [403], is: { code: 'PERMISSION_DENIED', problem: 'something before Vault does not allow it', remedy: reachVault } },

  { status: [404], calls: ['read', 'write'], when: isAbsence, is: 'answer' },
  { status: [404], when: (answer) => member(answer.body, 'data', 'metadata', 'destroyed') === true, is: destroyed },
  { status: [404], when: (answer) => hasText(member(answer.body, 'data', 'metadata', 'deletion_time')), is: deleted },
  {
    status: [404],
    when: isOtherVersion,
    is: { code: 'CONFIGURATION', problem: 'the mount is of another version of KV', remedy: 'correct `kvVersion`, or leave it out' },
  },
  {
    status: [404],
    when: isVaults,
    is: {
      code: 'CONFIGURATION',
      problem: 'there is no such mount or namespace',
      remedy: 'correct `mount`, `namespace`, or the mount of `auth`',
    },
  },
  { status: [404], is: notVaults('CONFIGURATION') },

  {
    status: [405, 415],
    is: {
      code: 'CONFIGURATION',
      problem: 'the server does not know this operation on this path',
      remedy: 'check that `mount` is a KV mount',
    },
  },
  { status: [412], is: behind('the node is behind what was read or written before') },
  { status: [413], is: { code: 'INVALID_ARGUMENT', problem: 'the request is too large for the server', remedy: 'store less' } },
  { status: [429], when: isAbsence, is: behind('the node is behind what was read or written before') },
  { status: [429], is: { code: 'RATE_LIMITED', problem: 'a rate limit is exceeded', remedy: 'ask less often, or raise the quota' } },
  { status: [472, 473], is: outage('the node is a standby that answers no such request', 'point `url` at the active cluster') },

  { status: [501], is: outage('Vault is not initialised', 'initialise and unseal it') },
  { status: [503], when: isVaults, is: outage('Vault is sealed', 'unseal it') },
  { status: [500], is: broken('the server failed') },
  { status: [502, 503, 504], is: broken('what is before Vault cannot reach it') },
  { status: () => true, is: { code: 'INTERNAL', problem: 'the status of the answer is not known', isOpen: true } },
]

/** What is wrong; `undefined` for an answer: what was asked for, or (404) that it does not exist. */
export function meaningOf(answer: VaultAnswer, call: CallKind): Meaning | undefined {
  const row = table.find(({ status, calls, when }) => {
    const hasStatus = typeof status === 'function' ? status(answer.status) : status.includes(answer.status)
    return hasStatus && (calls?.includes(call) ?? true) && (when?.(answer) ?? true)
  })
  return row === undefined || row.is === 'answer' ? undefined : row.is
}

function isCasMismatch(answer: VaultAnswer): boolean {
  return answer.status === 400 && says(answer, 'errors', 'check-and-set parameter did not match')
}

export function isCasRequired(answer: VaultAnswer): boolean {
  return answer.status === 400 && says(answer, 'errors', 'check-and-set parameter required')
}

/** A KV mount that is asked as the other version of KV. */
export function isOtherVersion(answer: VaultAnswer): boolean {
  return answer.status === 404 && says(answer, 'warnings', 'Invalid path for a versioned K/V')
}

/** Vault's own shape: an object with errors, or with data, or what a login gives. */
function isVaults({ body }: VaultAnswer): boolean {
  return (
    Array.isArray(body?.['errors']) || isObject(body?.['data']) || isObject(body?.['auth']) || (body !== undefined && 'request_id' in body)
  )
}

/** `{"errors":[]}` and nothing beside it. */
function isAbsence({ body }: VaultAnswer): boolean {
  const errors = body?.['errors']
  return Array.isArray(errors) && errors.length === 0 && Object.keys(body ?? {}).length === 1
}

function hasText(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}

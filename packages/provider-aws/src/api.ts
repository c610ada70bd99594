import { type CallContext, SecretsError } from '@finchat/secrets-core'
import { garbled } from './answers.ts'
import { bounded } from './bounded.ts'
import type { Connection, OpenConnection } from './connection.ts'
import { credentialsOf, isSameKey } from './credentials.ts'
import type { Asked } from './error-table.ts'
import { type ActionName, answersWithArn, changes, type InputOf, type OutputOf, type Sdk } from './sdk.ts'
import { type FailedAttempt, failedAttempt } from './store-error.ts'

/** The API of AWS Secrets Manager: an answer, or a `SecretsError`. */
export interface Api {
  readonly call: <Name extends ActionName>(action: Name, input: InputOf<Name>, context: CallContext) => Promise<OutputOf<Name>>
  /** Our own error for one that an answer tells of one secret among several. */
  readonly errorOf: (told: object, action: ActionName, path: string) => Promise<SecretsError>
}

/** What became of a call's attempts, of which the SDK makes several. */
interface Attempts {
  begun: number
  readonly failed: FailedAttempt[]
}

/** Every call ends within `timeoutMs`, retries included, and with its signal. */
export function apiOver(connection: Connection, timeoutMs: number): Api {
  return {
    call: async (action, input, { signal }) => {
      const attempts: Attempts = { begun: 0, failed: [] }
      const bounds = { signal, closing: connection.closing, timeoutMs }
      try {
        return await bounded((bound) => request(connection, action, input, attempts, bound), bounds)
      } catch (error) {
        throw conclusion(error, action, attempts)
      }
    },
    errorOf: async (told, action, path) => {
      const { region } = await connection.open()
      return failedAttempt(told, { action, path, region }).error
    },
  }
}

/** A credential that was refused is replaced by a fresh one of its source, once, if the source has another. */
async function request<Name extends ActionName>(
  connection: Connection,
  action: Name,
  input: InputOf<Name>,
  attempts: Attempts,
  signal: AbortSignal,
): Promise<OutputOf<Name>> {
  const open = await connection.open()
  const asked = { action, path: pathOf(input), region: open.region }
  const refused = await credentialsOf(open.client, asked)
  try {
    return await send(open, asked, input, attempts, signal)
  } catch (error) {
    const isRefused = SecretsError.isInstance(error) && error.code === 'UNAUTHENTICATED'
    const [fresh] = await Promise.allSettled(isRefused ? [credentialsOf(open.client, asked, { forceRefresh: true })] : [])
    if (fresh?.status !== 'fulfilled' || isSameKey(refused, fresh.value)) throw error
    return send(open, asked, input, attempts, signal)
  }
}

async function send<Name extends ActionName>(
  { sdk, client }: OpenConnection,
  asked: Asked,
  input: InputOf<Name>,
  attempts: Attempts,
  signal: AbortSignal,
): Promise<OutputOf<Name>> {
  const command = commandOf(sdk, asked.action, input)
  const watched = { step: 'finalizeRequest', priority: 'low', name: 'finchatAttempts' } as const // within the SDK's retries
  command.middlewareStack.add(
    (next) => async (args) => {
      attempts.begun += 1
      try {
        return await next(args)
      } catch (error) {
        attempts.failed.push(failedAttempt(error, asked))
        throw error
      }
    },
    watched,
  )
  const [answer] = await Promise.allSettled([client.send(command, { abortSignal: signal })])
  if (answer.status === 'rejected') throw attempts.failed.at(-1)?.error ?? failedAttempt(answer.reason, asked).error
  // The SDK takes any JSON, and none at all, for an answer.
  if (!answersWithArn(asked.action) || typeof answer.value.ARN === 'string') return answer.value
  attempts.failed.push({ error: garbled(), isOpen: true })
  throw garbled()
}

type AnyCommand = InstanceType<Sdk['GetSecretValueCommand']>

/** The SDK has a class for each action, which takes the action's input. */
function commandOf(sdk: Sdk, action: ActionName, input: InputOf<ActionName>): AnyCommand {
  const Command = sdk[`${action}Command`] as unknown as new (input: InputOf<ActionName>) => AnyCommand // TypeScript does not follow the name
  return new Command(input)
}

/** The secret that a call is about; a batch and a list are about no one secret. */
function pathOf(input: InputOf<ActionName>): string | undefined {
  if ('SecretId' in input) return input.SecretId
  return 'Name' in input ? input.Name : undefined
}

/** What the caller is told: with it goes whether a write may have happened, which one lost answer among the attempts leaves open. */
function conclusion(error: unknown, action: ActionName, { begun, failed }: Attempts): SecretsError {
  if (!SecretsError.isInstance(error)) return new SecretsError('INTERNAL', 'the AWS provider failed in a way that is not known here')
  const last = failed.at(-1)?.error
  // The time ran out while the SDK waited, as AWS had asked it to.
  const told = error.code === 'DEADLINE_EXCEEDED' && last?.code === 'RATE_LIMITED' ? last : error
  const isOpen = begun > failed.length || failed.some((attempt) => attempt.isOpen)
  return changes(action) && isOpen ? new SecretsError(told.code, told.problem, { ...told, effect: 'unknown' }) : told
}

import {
  ArgumentParseError,
  EnumValidationError,
  FlagNotFoundError,
  UnexpectedPositionalError,
  UnsatisfiedFlagError,
  UnsatisfiedPositionalError,
} from '@stricli/core'
import { exitCodes } from '../terminal/exit-codes.ts'
import { type Failure, UsageError } from '../terminal/failure.ts'

/** What is wrong with the arguments. What was given is not quoted: it may be a value. */
export function usageFailure(why: string, remedy: string): Failure {
  return { what: 'the command was not run', why, remedy, code: 'USAGE', exitCode: exitCodes.usage }
}

const seeHelp = 'see --help of the command'

export function argumentFailure(error: unknown): Failure {
  if (error instanceof FlagNotFoundError) return unknownFlag(error)
  if (error instanceof ArgumentParseError && error.exception instanceof UsageError)
    return usageFailure(`--${error.externalFlagNameOrPlaceholder}: ${error.exception.message}`, error.exception.remedy)
  if (error instanceof ArgumentParseError) return usageFailure(`--${error.externalFlagNameOrPlaceholder} does not take this value`, seeHelp)
  if (error instanceof EnumValidationError)
    return usageFailure(`--${error.externalFlagName} does not take this value`, `use one of ${error.values.join(', ')}`)
  if (error instanceof UnsatisfiedFlagError) return usageFailure(`--${error.externalFlagName} is required, and has no value`, seeHelp)
  if (error instanceof UnsatisfiedPositionalError) return usageFailure(`the ${error.placeholder} is missing`, seeHelp)
  if (error instanceof UnexpectedPositionalError) return usageFailure('there are more arguments than the command takes', seeHelp)
  return usageFailure('the command has no such flag', seeHelp)
}

function unknownFlag({ corrections }: FlagNotFoundError): Failure {
  const meant = corrections.map((each) => `--${each}`).join(' or ')
  return usageFailure('the command has no such flag', meant === '' ? seeHelp : `did you mean ${meant}?`)
}

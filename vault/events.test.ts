import { describe } from 'vitest'
import { describeStored } from '../domain/stored.fixture.ts'
import { keyEvents } from './events.ts'

describe('key-', () => describeStored(keyEvents, new URL('stored/', import.meta.url)))

import type { System } from '../constructs/core/index.ts';
import { aegisTrader } from './aegis-trader/system.ts';
import { ftmoTrading } from './ftmo-trading/system.ts';
import { lubanCi } from './luban-ci/system.ts';
import { stonksOracle } from './stonks-oracle/system.ts';
import { stonksOracleArc } from './stonks-oracle-arc/system.ts';

/** Every system, in the order of its folder in requirements/. */
export const systems: readonly System[] = [stonksOracle, stonksOracleArc, aegisTrader, lubanCi, ftmoTrading];

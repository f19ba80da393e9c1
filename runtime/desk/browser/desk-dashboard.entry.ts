import { install } from '../dashboard/dashboard.ts';

// Whatever goes wrong here, the dashboard goes on: the gate does not depend on it.
try {
  install();
} catch (error) {
  console.warn('promotion desk: not installed', error);
}

"""Several hubs behind one address: PL/Proxy sends each call to the shard that its company lives on."""

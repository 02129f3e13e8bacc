#!/usr/bin/env python3
"""Sets the stage for the recorded scenarios: stage.py PLAY.PY KUBECONFIG CRDS.YAML

Applies what play.py expects of a cluster: the CustomResourceDefinitions (as `fiel crds` prints them), the namespace
argocd, the AppProject default and the ConfigMap argocd-cm. Talks to the cluster by play.py's own client.
"""
import importlib.util, sys, time
import yaml

sys.dont_write_bytecode = True
spec = importlib.util.spec_from_file_location("play", sys.argv[1])
play = importlib.util.module_from_spec(spec)
spec.loader.exec_module(play)
cluster = play.Cluster(sys.argv[2])
cluster.discover()

definitions = [one for one in yaml.safe_load_all(open(sys.argv[3])) if one]
for definition in definitions:
    cluster.apply(definition)
wanted = {f"{one['spec']['group']}/{version['name']}/{one['spec']['names']['kind']}" for one in definitions for version in one["spec"]["versions"]}
for _ in range(200):
    cluster.discover()
    if wanted <= set(cluster.kinds): break
    time.sleep(.05)
else:
    sys.exit(f"not served: {sorted(wanted - set(cluster.kinds))}")

cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "argocd"}})
cluster.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "argocd-cm", "namespace": "argocd"}})
cluster.apply({
    "apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": {"name": "default", "namespace": "argocd"},
    "spec": {"sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}], "clusterResourceWhitelist": [{"group": "*", "kind": "*"}]},
})
